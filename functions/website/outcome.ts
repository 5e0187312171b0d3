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
/** Nothing tells us when somebody else's object goes away. */
const NAME_CONFLICT_SECONDS = 60;
/** The garbage collector takes about as long. */
const DELETION_SECONDS = 5;
/**
 * No event comes when a quota is raised or a policy changes. The wait is a quarter of the time that it has lasted, within
 * these bounds: under a minute for the first four minutes, and in the end no more often than the default resync.
 */
const REFUSED_SECONDS = { least: 30, most: 600 };

const REFUSED: ReadonlySet<ReadyReason> = new Set(['Rejected', 'QuotaExceeded']);

/** @param status what is said of the Website from now on. */
export function outcomeOf({ state, reason }: Verdict, status: WebsiteStatus, now: Date): Outcome {
  if (state === 'progressing') {
    return {
      kind: 'waiting',
      reason,
      requeueAfterSeconds: reason === 'WaitingForDeletion' ? DELETION_SECONDS : ROLLOUT_SECONDS,
    };
  }
  if (state !== 'stalled') return { kind: 'settled', reason };
  if (reason === 'NameConflict') return { kind: 'stalled', reason, requeueAfterSeconds: NAME_CONFLICT_SECONDS };
  return REFUSED.has(reason)
    ? { kind: 'stalled', reason, requeueAfterSeconds: afterRefusal(status, now) }
    : { kind: 'stalled', reason };
}

function afterRefusal({ conditions = [] }: WebsiteStatus, now: Date): number {
  const began = conditions.find(({ type }) => type === 'Stalled')?.lastTransitionTime;
  const lasted = began === undefined ? 0 : (now.getTime() - Date.parse(began)) / 1000;
  const { least, most } = REFUSED_SECONDS;
  // Everybody who may write the status may write any time there.
  const quarter = Number.isFinite(lasted) ? Math.floor(lasted / 4) : most;
  return Math.min(Math.max(quarter, least), most);
}
