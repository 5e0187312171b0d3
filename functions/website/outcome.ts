import type { ReadyReason, Verdict } from './reasons.ts';
import type { WebsiteStatus } from './resource.ts';

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

/** Events of the Deployment drive a rollout. This reconcile makes up for lost ones. */
const ROLLOUT_SECONDS = 120;
/**
 * The functions get no event when an object without our label is deleted, a quota is raised, a policy changes or the garbage collector
 * is stuck. The wait is a quarter of the time that the condition has lasted, within these bounds. A refused write is retried at least
 * once a minute in the first four minutes. In the end it is retried as rarely as the default resync runs.
 */
const BOUNDS: Partial<Record<ReadyReason, { readonly least: number; readonly most: number }>> = {
  NameConflict: { least: 5, most: 60 },
  WaitingForDeletion: { least: 5, most: 60 },
  Rejected: { least: 30, most: 600 },
  QuotaExceeded: { least: 30, most: 600 },
};

/** @param status the Website's new status. */
export function outcomeOf({ state, reason }: Verdict, status: WebsiteStatus, now: Date): Outcome {
  const requeueAfterSeconds = secondsUntilNextLook(reason, status, now);
  if (state === 'progressing')
    return { kind: 'waiting', reason, requeueAfterSeconds: requeueAfterSeconds ?? ROLLOUT_SECONDS };
  if (state !== 'stalled') return { kind: 'settled', reason };
  return { kind: 'stalled', reason, ...(requeueAfterSeconds === undefined ? {} : { requeueAfterSeconds }) };
}

function secondsUntilNextLook(reason: ReadyReason, { conditions = [] }: WebsiteStatus, now: Date): number | undefined {
  const bounds = BOUNDS[reason];
  if (bounds === undefined) return undefined;
  const find = (wanted: string) => conditions.find(({ type }) => type === wanted)?.lastTransitionTime;
  const began = find('Stalled') ?? find('Reconciling');
  const lasted = began === undefined ? 0 : (now.getTime() - Date.parse(began)) / 1000;
  // Another writer of the status may have put anything there.
  const quarter = Number.isFinite(lasted) ? Math.floor(lasted / 4) : bounds.most;
  return Math.min(Math.max(quarter, bounds.least), bounds.most);
}
