import type { ReadyReason, Verdict } from './reasons.ts';
import type { Website } from './resource.ts';

/** What a Kubernetes Event says. */
export interface Announcement {
  readonly type: 'Normal' | 'Warning';
  readonly reason: ReadyReason | 'Repaired';
  /** For people. */
  readonly note: string;
  /** Names the Event of this Website, of which there is one then. Without it, there is one for each version of the Website. */
  readonly once?: string;
}

/** A change of what is said of a Website, worth a Kubernetes Event: the condition's reason, and its message. */
export interface Transition extends Announcement {
  readonly reason: ReadyReason;
}

const WARNINGS: ReadonlySet<ReadyReason> = new Set(['ReplicaFailure', 'Overridden']);

/**
 * What to announce of a Website that is judged anew; nothing where the judgement is as before, or where it only begins: an
 * Event tells of a change, and the conditions of what is.
 */
export function transitionOf(before: Website, { state, reason, message }: Verdict): Transition | undefined {
  const known = before.status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
  if (known === reason || (known === undefined && state === 'progressing')) return undefined;
  return { type: state === 'stalled' || WARNINGS.has(reason) ? 'Warning' : 'Normal', reason, note: message };
}
