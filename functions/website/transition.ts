import type { ReadyReason, Verdict } from './reasons.ts';
import type { Website } from './resource.ts';

/** A change of what is said of a Website, worth a Kubernetes Event: the condition's reason, and its message for people. */
export interface Transition {
  readonly type: 'Normal' | 'Warning';
  readonly reason: ReadyReason;
  readonly note: string;
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
