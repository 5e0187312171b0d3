import type { ReadyReason, Verdict } from './reasons.ts';
import type { WebsiteStatus } from './resource.ts';

/**
 * What came of it. `settled`: as declared. `waiting`: time is needed. `stalled`: somebody has to act. `gone`: nothing to do.
 * `requeueAfterSeconds` asks for another look where no event is sure to come.
 */
export type Outcome =
  | { readonly kind: 'settled'; readonly reason: ReadyReason }
  | { readonly kind: 'waiting'; readonly reason: ReadyReason; readonly requeueAfterSeconds: number }
  | { readonly kind: 'stalled'; readonly reason: ReadyReason; readonly requeueAfterSeconds?: number }
  | { readonly kind: 'gone' };

/** The Deployment's own events carry a rollout; this is for the ones that get lost. */
const ROLLOUT_SECONDS = 120;
/**
 * No event comes when an object without our label is deleted, when the garbage collector is stuck, a quota is raised or a policy
 * changes. The wait is a quarter of the time that it has lasted, within these bounds: a refusal is looked at under a minute apart for
 * the first four minutes, and in the end no more often than the default resync.
 */
const BOUNDS: Partial<Record<ReadyReason, { readonly least: number; readonly most: number }>> = {
  NameConflict: { least: 5, most: 60 },
  WaitingForDeletion: { least: 5, most: 60 },
  Rejected: { least: 30, most: 600 },
  QuotaExceeded: { least: 30, most: 600 },
};

/** @param status what is said of the Website from now on. */
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
  // Everybody who may write the status may write any time there.
  const quarter = Number.isFinite(lasted) ? Math.floor(lasted / 4) : bounds.most;
  return Math.min(Math.max(quarter, bounds.least), bounds.most);
}
