import {
  CARRIER,
  kindOf,
  KINDS,
  type Carrier,
  type Child,
  type Children,
  type DesiredChildren,
} from '../children/kinds.ts';
import { selectorOf } from '../children/metadata.ts';
import { conditionsOf } from './conditions.ts';
import { differingText } from './differing.ts';
import { historyOf } from './history.ts';
import { blockedVerdict, PATIENCE_MINUTES, waitingVerdict } from './obstacles.ts';
import { isOwnedBy } from '../plan/ownership.ts';
import { hinted, refusedVerdict, sentences, type Refusal } from './refused.ts';
import { withRunning } from './running.ts';
import { memoriesOf, overriddenMessage } from '../plan/overridden.ts';
import { changesHands, type Operation, type Plan } from '../plan/plan.ts';
import { isLastingError, type Verdict } from '../reasons.ts';
import { isRequested, requestIn } from '../requested.ts';
import type { Website, WebsiteSpec, WebsiteStatus } from '../resource.ts';
import { urlOf } from './url.ts';

/** With one of these reasons, all children were as desired: readiness is judged only if no other reason applies. */
const READINESS_REASONS: ReadonlySet<string> = new Set(KINDS.flatMap(({ readyReasons = [] }) => readyReasons));

/** Whether all children were as desired when the Website was last judged. False if a reconcile is requested. */
export const wereAsDesired = (website: Website): boolean => vouchesForAll(website) && !isRequested(website);

/** Whether the last status says that all children were as desired. */
export function vouchesForAll({ status }: Website): boolean {
  const { conditions = [] } = status ?? {};
  const isAboutReadiness = conditions.some(({ type, reason }) => type === 'Ready' && READINESS_REASONS.has(reason));
  // During the first minute of an error, Ready still has its old reason.
  const isFailing = conditions.some(({ reason }) => isLastingError(reason));
  return isAboutReadiness && !isFailing;
}

/** What a verdict rests on, after all possible writes. */
export interface Seen {
  readonly spec: WebsiteSpec;
  /** The desired children that the run looked at. */
  readonly wanted: DesiredChildren;
  readonly children: Children;
  /** The writes that are still missing. */
  readonly remaining: Plan;
  /** The writes that the API server refused permanently. */
  readonly refusals: readonly Refusal[];
  /** Whether the Website has waited for the garbage collector too long. */
  readonly waitsTooLong?: boolean;
}

/** Rests on the previous status alone, so two runs with the same input agree. */
export function waitsTooLong({ status }: Website, now: Date): boolean {
  const known = status?.conditions?.find(({ type, reason }) => type !== 'Ready' && reason === 'WaitingForDeletion');
  if (known === undefined || known.type === 'Stalled') return known !== undefined;
  // Negated, so that an unreadable time (NaN) counts as too long.
  return !(now.getTime() - Date.parse(known.lastTransitionTime) < PATIENCE_MINUTES * 60_000);
}

/** Judges a Website by its observed children, never by the writes that were planned. */
export function verdict(seen: Seen): Verdict {
  return seen.spec.suspend ? suspendedVerdict(seen) : activeVerdict(seen);
}

/** The functions write no child of a suspended Website. Its children may still match the spec, and health gates wait for that. */
function suspendedVerdict(seen: Seen): Verdict {
  const { steps, obstacles } = seen.remaining;
  const differing = differingText(steps.flat());
  // Nothing was written, so the missing writes say nothing about the API server or a policy.
  const standing = activeVerdict({ ...seen, remaining: { steps: [], obstacles } });
  const texts = [
    ...(differing === '' || obstacles.length > 0 ? [standing.message] : []),
    ...(differing === '' ? [] : [differing]),
  ];
  return {
    state: differing === '' && standing.state === 'ready' ? 'ready' : 'suspended',
    reason: 'Suspended',
    message: `spec.suspend is true, so the children are left as they are: ${texts.join('. ')}`,
  };
}

function activeVerdict(seen: Seen): Verdict {
  const { remaining, refusals, wanted } = seen;
  const blocked = blockedVerdict(remaining);
  if (blocked !== undefined) return blocked;
  const refused = refusedVerdict(refusals, wanted);
  if (refused !== undefined) return refused;
  const waiting = waitingVerdict(seen);
  if (waiting !== undefined) return waiting;
  const [overridden, ...others] = remaining.steps.flat();
  if (overridden !== undefined) return overriddenVerdict(overridden, others);
  return readiness(seen);
}

/** The first child that is not ready decides. If all are ready, the verdict is that of the first child: the Deployment. */
function readiness({ spec, wanted, children }: Seen): Verdict {
  const desired = KINDS.filter(({ kind }) => wanted[kind] !== undefined);
  const verdicts = desired.flatMap((each) => each.readiness?.(children[each.kind], spec) ?? []);
  const decisive = verdicts.find(({ state }) => state !== 'ready') ?? verdicts[0];
  if (decisive === undefined) throw new Error('No kind of child says whether the site is ready');
  return decisive;
}

/** Another write of the same child would have the same result. */
function overriddenVerdict(first: Operation, others: readonly Operation[]): Verdict {
  const { kind, metadata } = first.child;
  return first.verb === 'replace'
    ? { state: 'stalled', reason: 'Overridden', message: sentences([first, ...others].flatMap(overriddenText)) }
    : {
        state: 'progressing',
        reason: 'Overridden',
        message: `${kind} ${metadata.name} does not stay as written. Check for an admission policy or another controller that changes or deletes it`,
      };
}

function overriddenText(operation: Operation): string[] {
  if (operation.verb !== 'replace') return [];
  const { child, changed } = operation;
  return [hinted(overriddenMessage(operation), kindOf(child.kind).hint?.(child.spec, changed.join(', ')))];
}

/** The status of a Website that could be judged. */
export function statusOf(website: Website, seen: Seen, judged: Verdict, now: Date): WebsiteStatus {
  const url = urlOf(website, seen);
  const carrier = isAsDesired(seen) ? undefined : seen.children[CARRIER];
  const history = historyOf(website, seen.spec.image, judged, now, carrier);
  const overridden = isAllWritten(seen) ? memoriesOf(seen.remaining) : [];
  return {
    ...judgement(website, judged, now),
    ...childFields(website, seen.children),
    selector: Object.entries(selectorOf(website))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    ...(url === undefined ? {} : { url }),
    ...(overridden.length === 0 ? {} : { overridden }),
    ...(history.length === 0 ? {} : { history: [...history] }),
  };
}

const isAsDesired = ({ remaining: { steps, obstacles } }: Seen): boolean =>
  steps.flat().length === 0 && obstacles.length === 0;

/** Whether every planned write was made. A refused write, and any write that depends on it, is tried again. */
const isAllWritten = ({ spec, remaining, refusals }: Seen): boolean =>
  !spec.suspend && refusals.length === 0 && !remaining.steps.flat().some(changesHands);

function childFields(website: Website, children: Children): WebsiteStatus {
  const fields = KINDS.map((each) => each.statusFields?.(website, owned(website, children[each.kind])));
  return Object.assign({}, ...fields) as WebsiteStatus;
}

/**
 * The status of a Website whose children were not compared with the spec. It keeps the previous fields about children.
 * @param carrier the Deployment, if it was read.
 */
export function unseenStatus(website: Website, judged: Verdict, now: Date, carrier?: Carrier): WebsiteStatus {
  const history = withRunning(website.status?.history ?? [], website, carrier, now);
  return {
    ...website.status,
    ...judgement(website, judged, now),
    ...(history.length === 0 ? {} : { history: [...history] }),
  };
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
