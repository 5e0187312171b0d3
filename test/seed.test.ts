import { expect, it } from 'vitest';
import { seedOf } from './seed.ts';

it('The processes of a run share a new seed through the environment', () => {
  const environment = {};
  const seed = seedOf(environment);
  expect(environment).toEqual({ SEED: String(seed) });
  expect(seedOf(environment)).toBe(seed);
});

it.each(['-1', '1.5', 'x', '2147483648'])('The test run refuses SEED=%s', (SEED) => {
  expect(() => seedOf({ SEED })).toThrow(`SEED must be a whole number from 0 to 2147483647, not ${SEED}`);
});
