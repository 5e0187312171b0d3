import type { ReadyReason } from '../../functions/website/reasons.ts';
import advice from './advice.json' with { type: 'json' };

/** What docs/status.md says of a reason, without its links. */
export interface Advice {
  readonly means: string;
  /** Empty if there is nothing to do. */
  readonly toDo: string;
}

/** Generated from docs/status.md. The compiler misses a reason that the page does not explain. */
export const ADVICE: Readonly<Record<ReadyReason, Advice>> = advice;
