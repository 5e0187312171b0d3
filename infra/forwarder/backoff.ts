/** Exponential growth with full jitter, so that many who failed together do not come back together. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * How long to wait before attempt `attempt` + 1, in milliseconds: anything up to the exponential bound, and never less than
 * what the other side asked for.
 * @param attempt failures so far, from 1.
 * @param random in [0, 1).
 */
export function delayMs({ baseMs, capMs }: Backoff, attempt: number, random: number, retryAfterSeconds = 0): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(Math.max(bound * random, retryAfterSeconds * 1000));
}
