import { expect, it } from 'vitest';
import { delayMs } from '../../../infra/forwarder/queue/backoff.ts';

const backoff = { baseMs: 100, capMs: 30_000 };

it.each([
  ['the first failure waits at most the base', 1, 0.999, 0, 100],
  ['it grows twofold', 4, 0.999, 0, 799],
  ['up to the cap', 50, 0.999, 0, 29_970],
  ['anything below the bound may be drawn', 4, 0, 0, 0],
  ['but never less than what the other side asked for', 1, 0, 7, 7_000],
  ['on top of which it is drawn, so that not all come back at once', 1, 0.5, 7, 7_050],
  ['and what was asked for is believed up to an hour', 1, 0, 1e300, 3_600_000],
])('%s', (_, attempt, random, retryAfterSeconds, ms) => {
  expect(delayMs(backoff, attempt, random, retryAfterSeconds)).toBe(ms);
});
