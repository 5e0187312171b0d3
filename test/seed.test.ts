import { expect, it } from 'vitest';
import { seedOf } from './seed.ts';

it('A new seed is what the processes of a run have in common', () => {
  const environment = {};
  const seed = seedOf(environment);
  expect(environment).toEqual({ SEED: String(seed) });
  expect(seedOf(environment)).toBe(seed);
});

it.each(['-1', '1.5', 'x', '2147483648'])('SEED=%s is refused', (SEED) => {
  expect(() => seedOf({ SEED })).toThrow(`SEED must be a whole number from 0 to 2147483647, not ${SEED}`);
});
