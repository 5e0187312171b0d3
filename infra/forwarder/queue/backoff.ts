import { LONGEST_WAIT_SECONDS } from '../../../functions/cluster/errors.ts';

/** Exponential growth with full jitter, so that many who failed together do not come back together. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * How long to wait before attempt `attempt` + 1, in milliseconds: anything up to the exponential bound, on top of what the
 * other side asked for, if it did.
 * @param attempt failures so far, from 1.
 * @param random in [0, 1).
 */
export function delayMs({ baseMs, capMs }: Backoff, attempt: number, random: number, retryAfterSeconds = 0): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(bound * random + Math.min(retryAfterSeconds, LONGEST_WAIT_SECONDS) * 1000);
}
