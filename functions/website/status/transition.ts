import type { ReadyReason, STATUS_NOT_WRITTEN, Verdict } from '../reasons.ts';
import type { Website } from '../resource.ts';

/** The content of a Kubernetes Event. */
export interface Announcement {
  readonly type: 'Normal' | 'Warning';
  readonly reason: ReadyReason | 'Repaired' | typeof STATUS_NOT_WRITTEN;
  /** For people. */
  readonly note: string;
  /** Part of the Event's name: announcements with the same text share one Event. If absent, the resourceVersion makes the name unique. */
  readonly once?: string;
}

/** Limits the Events about something that keeps happening, whichever instance notices it. */
const ONCE_IN_MS = 10 * 60_000;

/** Part of an Event's name (`once`): the same for ten minutes. */
export const spanOf = (now: Date): number => Math.floor(now.getTime() / ONCE_IN_MS);

/** A change of the Ready condition that is worth a Kubernetes Event. The Event repeats the condition's reason and message. */
export interface Transition extends Announcement {
  readonly reason: ReadyReason;
}

const WARNINGS: ReadonlySet<ReadyReason> = new Set(['ReplicaFailure', 'Overridden']);

/**
 * What to announce after a new verdict. Undefined if the first verdict is `progressing`, or if the reason is the same as before and has
 * not stalled the Website since. Events report changes; the conditions show the state.
 */
export function transitionOf(before: Website, { state, reason, message }: Verdict): Transition | undefined {
  const conditions = before.status?.conditions ?? [];
  const known = conditions.find(({ type }) => type === 'Ready')?.reason;
  const wasStalled = conditions.some(({ type }) => type === 'Stalled');
  const isSame = known === reason && (wasStalled || state !== 'stalled');
  if (isSame || (known === undefined && state === 'progressing')) return undefined;
  return { type: isWarning(state, reason) ? 'Warning' : 'Normal', reason, note: message };
}

const isWarning = (state: Verdict['state'], reason: ReadyReason): boolean =>
  state === 'stalled' || WARNINGS.has(reason);
