import { LONGEST_WAIT_SECONDS } from '../../../functions/cluster/refusals.ts';

/** Bounds of an exponential backoff. Full jitter spreads out retries of deliveries that failed at the same time. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * The delay before the next attempt, in milliseconds: random up to the exponential bound, plus the Retry-After of the other side.
 * @param attempt number of failures so far, from 1.
 * @param random in [0, 1).
 */
export function delayMs({ baseMs, capMs }: Backoff, attempt: number, random: number, retryAfterSeconds = 0): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(bound * random + Math.min(retryAfterSeconds, LONGEST_WAIT_SECONDS) * 1000);
}
