import { childName } from './children.ts';
import type { Child, Children, Deployment } from './children.ts';
import { conditionsOf } from './conditions.ts';
import { blockedVerdict, waitingVerdict } from './obstacles.ts';
import { isOwnedBy, selectorOf } from './ownership.ts';
import { memoriesOf, overriddenMessage } from './overridden.ts';
import { changesHands, type Operation, type Plan } from './plan.ts';
import type { ReadyReason, Verdict } from './reasons.ts';
import { requestIn } from './requested.ts';
import type { Website, WebsiteSpec, WebsiteStatus } from './resource.ts';
import { rolloutVerdict } from './rollout.ts';
import { urlOf } from './url.ts';

/** Those that are about the Deployment alone: the Service, and the Ingress where there is one, were as desired. */
const DEPLOYMENT_REASONS: ReadonlySet<string> = new Set<ReadyReason>([
  'Available',
  'Parked',
  'Progressing',
  'Paused',
  'ReplicaFailure',
  'ProgressDeadlineExceeded',
]);

/** Whether all but the Deployment was as desired when the Website was judged last, and nobody asks for another look at it. */
export function wereAsDesired({ metadata, status }: Website): boolean {
  const { conditions = [], lastHandledReconcileAt } = status ?? {};
  const requestedAt = requestIn(metadata) ?? lastHandledReconcileAt;
  const isAboutDeployment = conditions.some(({ type, reason }) => type === 'Ready' && DEPLOYMENT_REASONS.has(reason));
  // While it is not known whether a right is missing for long, Ready still says what it said.
  const isForbidden = conditions.some(({ reason }) => reason === 'Forbidden');
  return isAboutDeployment && !isForbidden && requestedAt === lastHandledReconcileAt;
}

/** What there is to judge once everything that could be written was written. */
export interface Seen {
  readonly spec: WebsiteSpec;
  readonly children: Children;
  /** What would still have to be written. */
  readonly remaining: Plan;
  /** Writes that the API server refused for good. */
  readonly refusals: readonly {
    readonly reason: 'Rejected' | 'QuotaExceeded' | 'TooLarge';
    readonly message: string;
  }[];
  /** Whether the Website has waited for the garbage collector for longer than that should take. */
  readonly waitsTooLong?: boolean;
}

/** The garbage collector takes seconds, and in a large cluster that has just started a minute or two. */
const PATIENCE_MS = 5 * 60_000;

/** By what its status said so far, so that the same look comes to the same. */
export function waitsTooLong({ status }: Website, now: Date): boolean {
  const known = status?.conditions?.find(({ type, reason }) => type !== 'Ready' && reason === 'WaitingForDeletion');
  if (known === undefined || known.type === 'Stalled') return known !== undefined;
  // A time that cannot be read is no reason to wait.
  return !(now.getTime() - Date.parse(known.lastTransitionTime) < PATIENCE_MS);
}

/** Judges a Website by what was observed, never by what was meant to be written. */
export function verdict(seen: Seen): Verdict {
  return seen.spec.suspend ? suspendedVerdict(seen) : activeVerdict(seen);
}

/** While it is suspended nothing is written, but what there is can still be as declared: health gates wait for that. */
function suspendedVerdict(seen: Seen): Verdict {
  const [different] = seen.remaining.steps.flat();
  const { state, message } =
    different === undefined || seen.remaining.obstacles.length > 0
      ? activeVerdict(seen)
      : ({ state: 'suspended', message: differenceText(different) } as const);
  return {
    state: state === 'ready' ? 'ready' : 'suspended',
    reason: 'Suspended',
    message: `Suspended, so the children are left as they are: ${message}`,
  };
}

function differenceText(operation: Operation): string {
  const { kind } = operation.child;
  switch (operation.verb) {
    case 'create':
      return `${kind} is missing`;
    case 'delete':
      return `${kind} is no longer wanted`;
    case 'replace':
      return `${kind} differs from the spec (${operation.changed.slice(0, 5).join(', ')})`;
  }
}

function activeVerdict(seen: Seen): Verdict {
  const { spec, children, remaining, refusals } = seen;
  const blocked = blockedVerdict(remaining);
  if (blocked !== undefined) return blocked;
  const [refusal] = refusals;
  if (refusal !== undefined) return { state: 'stalled', ...refusal };
  const waiting = waitingVerdict(seen);
  if (waiting !== undefined) return waiting;
  const [overridden] = remaining.steps.flat();
  if (overridden !== undefined) return overriddenVerdict(overridden);
  return children.deployment === undefined
    ? { state: 'progressing', reason: 'Progressing', message: 'Creating the Deployment' }
    : rolloutVerdict(children.deployment, spec.replicas);
}

/** To replace it again would come to the same. */
function overriddenVerdict(operation: Operation): Verdict {
  const { kind, metadata } = operation.child;
  return operation.verb === 'replace'
    ? { state: 'stalled', reason: 'Overridden', message: overriddenMessage(operation) }
    : { state: 'progressing', reason: 'Overridden', message: `${kind} ${metadata.name} does not stay as written` };
}

/** The status of a Website that could be judged. */
export function statusOf(website: Website, seen: Seen, judged: Verdict, now: Date): WebsiteStatus {
  const { name } = website.metadata;
  const url = urlOf(website, seen);
  const overridden = isAllWritten(seen) ? memoriesOf(seen.remaining) : [];
  return {
    ...judgement(website, judged, now),
    deploymentName: childName('Deployment', name),
    serviceName: childName('Service', name),
    ...countsOf(owned(website, seen.children.deployment)),
    selector: Object.entries(selectorOf(website))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    ...(url === undefined ? {} : { url }),
    ...(overridden.length === 0 ? {} : { overridden }),
  };
}

/** What was refused, or waits for what was refused, has not been written, and is tried again. */
const isAllWritten = ({ spec, remaining, refusals }: Seen): boolean =>
  !spec.suspend && refusals.length === 0 && !remaining.steps.flat().some(changesHands);

/** The Pods of a Deployment, as its own status counts them. */
export function countsOf(deployment: Deployment | undefined) {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = deployment?.status ?? {};
  const set = deployment?.spec.replicas;
  return { replicas, readyReplicas, availableReplicas, ...(set === undefined ? {} : { replicasSet: set }) };
}

/** The status of a Website whose children could not be looked at, or need not be: what was known of them stays. */
export function unseenStatus(website: Website, judged: Verdict, now: Date): WebsiteStatus {
  return { ...website.status, ...judgement(website, judged, now) };
}

const owned = <T extends Child>(website: Website, child: T | undefined): T | undefined =>
  child !== undefined && isOwnedBy(child, website) ? child : undefined;

function judgement(website: Website, judged: Verdict, now: Date) {
  const handled = requestIn(website.metadata) ?? website.status?.lastHandledReconcileAt;
  return {
    ...(website.metadata.generation === undefined ? {} : { observedGeneration: website.metadata.generation }),
    conditions: conditionsOf(website, judged, now),
    ...(handled === undefined ? {} : { lastHandledReconcileAt: handled }),
  };
}
