import { randomInt } from 'node:crypto';

const LIMIT = 2 ** 31;

/** The seed of this run, and of every process that it starts: that of `SEED`, or a new one. */
export function seedOf(environment: Record<string, string | undefined>): number {
  environment['SEED'] ??= String(randomInt(LIMIT));
  const seed = Number(environment['SEED']);
  if (!Number.isInteger(seed) || seed < 0 || seed >= LIMIT)
    throw new Error(`SEED must be a whole number from 0 to ${LIMIT - 1}, not ${environment['SEED']}`);
  return seed;
}
