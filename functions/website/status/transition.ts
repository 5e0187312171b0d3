import type { ReadyReason, Verdict } from '../reasons.ts';
import type { Website } from '../resource.ts';

/** The content of a Kubernetes Event. */
export interface Announcement {
  readonly type: 'Normal' | 'Warning';
  readonly reason: ReadyReason | 'Repaired';
  /** For people. */
  readonly note: string;
  /** Part of the Event's name: announcements with the same text share one Event. If absent, the resourceVersion makes the name unique. */
  readonly once?: string;
}

/** A change of the Ready condition that is worth a Kubernetes Event. The Event repeats the condition's reason and message. */
export interface Transition extends Announcement {
  readonly reason: ReadyReason;
}

const WARNINGS: ReadonlySet<ReadyReason> = new Set(['ReplicaFailure', 'Overridden']);

/**
 * What to announce after a new verdict. Undefined if the reason is the same as before, or if the first verdict is `progressing`.
 * Events report changes; the conditions show the state.
 */
export function transitionOf(before: Website, { state, reason, message }: Verdict): Transition | undefined {
  const known = before.status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
  if (known === reason || (known === undefined && state === 'progressing')) return undefined;
  return { type: state === 'stalled' || WARNINGS.has(reason) ? 'Warning' : 'Normal', reason, note: message };
}
