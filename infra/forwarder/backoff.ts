/** Exponential growth with full jitter, so that many who failed together do not come back together. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** A wrong answer must not stop us for good. */
const LONGEST_RETRY_AFTER_SECONDS = 3_600;

/**
 * How long to wait before attempt `attempt` + 1, in milliseconds: anything up to the exponential bound, on top of what the
 * other side asked for, if it did.
 * @param attempt failures so far, from 1.
 * @param random in [0, 1).
 */
export function delayMs({ baseMs, capMs }: Backoff, attempt: number, random: number, retryAfterSeconds = 0): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(bound * random + Math.min(retryAfterSeconds, LONGEST_RETRY_AFTER_SECONDS) * 1000);
}
