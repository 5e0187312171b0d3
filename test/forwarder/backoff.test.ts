import { expect, it } from 'vitest';
import { delayMs } from '../../infra/forwarder/backoff.ts';

const backoff = { baseMs: 100, capMs: 30_000 };

it.each([
  ['the first failure waits at most the base', 1, 0.999, 0, 100],
  ['it grows twofold', 4, 0.999, 0, 799],
  ['up to the cap', 50, 0.999, 0, 29_970],
  ['anything below the bound may be drawn', 4, 0, 0, 0],
  ['but never less than what the other side asked for', 1, 0, 7, 7_000],
])('%s', (_, attempt, random, retryAfterSeconds, ms) => {
  expect(delayMs(backoff, attempt, random, retryAfterSeconds)).toBe(ms);
});
