import { expect, it } from 'vitest';
import { delayMs } from '../../../infra/forwarder/queue/backoff.ts';

const backoff = { baseMs: 100, capMs: 30_000 };

it.each([
  ['The first wait is at most the base', 1, 0.999, 0, 100],
  ['The bound of the wait doubles with each failure', 4, 0.999, 0, 799],
  ['The bound of the wait never exceeds the cap', 50, 0.999, 0, 29_970],
  ['The wait may be any value below the bound', 4, 0, 0, 0],
  ['The wait is never shorter than Retry-After', 1, 0, 7, 7_000],
  ['The random part is added to Retry-After, so that not all senders return at once', 1, 0.5, 7, 7_050],
  ['Retry-After is capped at an hour', 1, 0, 1e300, 3_600_000],
])('%s', (_, attempt, random, retryAfterSeconds, ms) => {
  expect(delayMs(backoff, attempt, random, retryAfterSeconds)).toBe(ms);
});
