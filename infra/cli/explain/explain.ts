import type { Cluster } from '../../../functions/cluster/cluster.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import {
  CHILD_KINDS,
  kindOf,
  type Child,
  type ChildKind,
  type ChildOfKind,
  type Children,
} from '../../../functions/website/children/kinds.ts';
import { selectorOf } from '../../../functions/website/children/metadata.ts';
import type { Defaults } from '../../../functions/website/defaults.ts';
import { SCOPES, readChildren } from '../../../functions/website/run/scope.ts';
import type { Pod } from '../../../functions/website/pods/pod.ts';
import { podCause } from '../../../functions/website/pods/pod-causes.ts';
import { READY_REASONS } from '../../../functions/website/reasons.ts';
import { isRequested } from '../../../functions/website/requested.ts';
import type { Condition, Website } from '../../../functions/website/resource.ts';
import { adviceOn, type Advice } from './advice.ts';
import { childLines, declared, differentFields, type ChildLine, type DifferentField } from './deviations.ts';
import { ifRefused, isForbidden } from '../errors.ts';
import { eventsAbout, lastOf, type EventLine } from './events-about.ts';
import { history } from '../history/history.ts';
import { failureOf, isCurrent, readyOf } from '../list.ts';
import { planned, type Planned } from '../plan/planned.ts';
import { statusProblemIn, type StatusProblem } from '../status-problem.ts';
import { lastChangeOf } from '../written.ts';

/** The facts about one Website, from its condition down to its Pods. */
export interface Explanation {
  readonly website: string;
  readonly url?: string | undefined;
  readonly ready?: Pick<Condition, 'status' | 'reason' | 'message' | 'lastTransitionTime'> | undefined;
  /** Whether the functions have judged the newest spec. */
  readonly isCurrent: boolean;
  /** Since when the functions have not reported on the newest spec, or on a request to reconcile. Absent if they have. */
  readonly waitsSince?: string | undefined;
  /** Why the functions cannot write the status. */
  readonly statusProblem?: StatusProblem | undefined;
  /** An error that keeps the functions from reconciling, and that Ready does not report yet. */
  readonly failure?: Pick<Condition, 'reason' | 'message' | 'lastTransitionTime'> | undefined;
  readonly advice?: Advice | undefined;
  readonly children: readonly ChildLine[];
  readonly pods: readonly PodLine[];
  /** The resources that this user may not read, such as `pods`. */
  readonly hidden: readonly string[];
  /** What the next reconcile writes. Absent if this user may not read what it needs. */
  readonly plan?: Planned | undefined;
  /** Fields that are not as the spec declares, because others changed them or the functions leave them alone. */
  readonly differentFields: readonly DifferentField[];
  readonly events: readonly EventLine[];
  readonly history: unknown;
}

interface PodLine {
  readonly name: string;
  readonly cause: string;
}

interface Asked {
  readonly cluster: Cluster;
  readonly transport: Transport;
  readonly now: Date;
  readonly defaults: Defaults;
}

/** Collects what explains the state of a Website. What this user may not read is named, and left out. */
export async function explain(website: Website, { cluster, transport, now, defaults }: Asked): Promise<Explanation> {
  const { namespace, name } = website.metadata;
  const key = { namespace, name };
  const hidden = new Set<string>();
  const visible = async <T, Instead>(resource: string, read: Promise<T>, instead: Instead) =>
    read.catch((error: unknown) => {
      if (!isForbidden(error)) throw error;
      hidden.add(resource);
      return instead;
    });
  const readable = withChildren(cluster, async (kind) =>
    visible(kindOf(kind).plural, cluster.getChild(kind, key), undefined),
  );
  const planning = async (children: Children) => {
    // A plan would create the children that it cannot see.
    if (CHILD_KINDS.some((kind) => hidden.has(kindOf(kind).plural))) return undefined;
    const read = withChildren(cluster, async (kind) => children[kind]);
    return ifRefused(
      planned(key, read, () => now, { website, defaults }),
      ['Forbidden'],
      undefined,
    );
  };
  const [[children, plan], pods, events] = await Promise.all([
    readChildren(key, readable, SCOPES.everything).then(async (read) => [read, await planning(read)] as const),
    visible('pods', cluster.listPods(namespace, selectorOf(website)), []),
    visible('events', eventsAbout(website, transport), []),
  ]);
  const wanted = declared(website, children, defaults);
  const ready = readyOf(website);
  const failure = failureOf(website);
  const known = failure?.reason ?? READY_REASONS.find((reason) => reason === ready?.reason);
  return {
    website: `${namespace}/${name}`,
    url: website.status?.url,
    ready,
    isCurrent: isCurrent(website),
    waitsSince: isCurrent(website) && !isRequested(website) ? undefined : lastChangeOf(website),
    statusProblem: wouldWriteStatus(plan) ? statusProblemIn(website, events) : undefined,
    failure,
    advice: known === undefined ? undefined : adviceOn(known, website.metadata, causesIn(pods)),
    children: childLines(website, children, wanted, (kind) => hidden.has(kindOf(kind).plural)),
    pods: pods.map(podLine),
    hidden: [...hidden].toSorted(),
    plan,
    differentFields: plan === undefined ? [] : differentFields(children, wanted, kindsIn(plan)),
    events: lastOf(events),
    history: history(website).data,
  };
}

/** Whether the status is not as it should be. A problem with it may be over although nothing has been written since. */
const wouldWriteStatus = (plan: Planned | undefined): boolean =>
  plan === undefined || plan.changes.some(({ verb }) => verb === 'update status');

/** The cluster with another way to read a child. */
const withChildren = (cluster: Cluster, read: (kind: ChildKind) => Promise<Child | undefined>): Cluster => ({
  ...cluster,
  getChild: async <Kind extends ChildKind>(kind: Kind) => (await read(kind)) as ChildOfKind<Kind> | undefined,
});

/** What keeps the Pods from being ready. */
const causesIn = (pods: readonly Pod[]): string[] => pods.flatMap((pod) => podCause(pod)?.text ?? []);

const podLine = (pod: Pod): PodLine => ({ name: pod.metadata.name, cause: podCause(pod)?.text ?? 'ready' });

const kindsIn = ({ changes }: Planned): ReadonlySet<string> => new Set(changes.map(({ kind }) => kind));
