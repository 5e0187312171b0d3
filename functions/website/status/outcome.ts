import { secondsSince } from './elapsed.ts';
import { startOfUnready } from './history.ts';
import type { ReadyReason, Verdict } from '../reasons.ts';
import type { Website, WebsiteStatus } from '../resource.ts';

/**
 * The result of a reconcile.
 * - `settled`: the Website is as declared.
 * - `waiting`: only time is needed.
 * - `stalled`: somebody has to act.
 * - `gone`: there is nothing to do.
 *
 * `requeueAfterSeconds` asks for another reconcile when no event may announce the next change.
 */
export type Outcome =
  | { readonly kind: 'settled'; readonly reason: ReadyReason }
  | { readonly kind: 'waiting'; readonly reason: ReadyReason; readonly requeueAfterSeconds: number }
  | { readonly kind: 'stalled'; readonly reason: ReadyReason; readonly requeueAfterSeconds?: number }
  | { readonly kind: 'gone' };

/** Bounds of a wait, in seconds. */
interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Events of the Deployment announce the next change. This wait bounds the delay when such an event is lost. */
const ANNOUNCED: Bounds = { least: 120, most: 600 };
/**
 * No event announces the end of these conditions. For example, an object without our label is deleted, a quota is raised, a policy
 * changes, or an API is installed. The wait is a quarter of the condition's age, within these bounds. A refused write is retried at
 * least once a minute in the first four minutes. Later it is retried as rarely as the default resync runs.
 */
const BOUNDS: Partial<Record<ReadyReason, Bounds>> = {
  NameConflict: { least: 5, most: 60 },
  WaitingForDeletion: { least: 5, most: 60 },
  Rejected: { least: 30, most: 600 },
  QuotaExceeded: { least: 30, most: 600 },
  MissingApi: { least: 30, most: 600 },
};

/** Events of the Deployment report progress, but not why its Pods are not ready. So the functions look at the Pods from time to time. */
const ROLLOUT: Bounds = { least: 5, most: 120 };

/**
 * @param status the Website's new status.
 * @param unstored what the judgement rests on, if the API server refused the status for good. Then no condition keeps its age.
 */
export function outcomeOf(
  verdict: Verdict,
  status: WebsiteStatus,
  now: Date,
  unstored?: readonly (Pick<Website, 'metadata'> | undefined)[],
): Outcome {
  const { state, reason, explainedBy } = verdict;
  const since = unstored === undefined ? timesOf(status) : unstored.flatMap(writesOf);
  if (state === 'progressing' && explainedBy === 'Pods') {
    // A new spec is a new rollout, even if the condition is older.
    const times = [...since, startOfUnready(status)];
    return { kind: 'waiting', reason, requeueAfterSeconds: secondsUntilNextLook(ROLLOUT, times, now) };
  }
  const next = (bounds: Bounds) => ({ requeueAfterSeconds: secondsUntilNextLook(bounds, since, now) });
  if (state === 'progressing') return { kind: 'waiting', reason, ...next(BOUNDS[reason] ?? ANNOUNCED) };
  if (state !== 'stalled') return { kind: 'settled', reason };
  return { kind: 'stalled', reason, ...(BOUNDS[reason] && next(BOUNDS[reason])) };
}

/** Since when the site has not been ready for its present reason. */
function timesOf({ conditions = [] }: WebsiteStatus): readonly (string | undefined)[] {
  const find = (wanted: string) => conditions.find(({ type }) => type === wanted)?.lastTransitionTime;
  return [find('Stalled') ?? find('Reconciling')];
}

/** When anybody wrote the object. */
const writesOf = (object: Pick<Website, 'metadata'> | undefined): readonly (string | undefined)[] =>
  object?.metadata.managedFields?.map(({ time }) => time) ?? [];

function secondsUntilNextLook({ least, most }: Bounds, times: readonly (string | undefined)[], now: Date): number {
  const quarter = Math.floor(secondsSince(times, now) / 4);
  return Math.min(Math.max(quarter, least), most);
}
