import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** New in each run, unless `SEED` states it. */
    seed: number;
    /** How much a run of the tests tries: `npm run quick`, `npm test`, or `npm run test:exhaustive`. */
    effort: 'quick' | 'full' | 'exhaustive';
  }
}

/**
 * How often a property runs that finds more the longer it runs: sometimes in `npm test`, often in `npm run test:exhaustive`, and a fifth
 * of `sometimes` in `npm run quick`.
 */
export interface Effort {
  readonly sometimes: number;
  readonly often: number;
}

/** Options for fast-check. A given `SEED` repeats the values. */
export const sampled = ({ sometimes, often }: Effort) => ({
  seed: inject('seed'),
  numRuns: { quick: Math.ceil(sometimes / 5), full: sometimes, exhaustive: often }[inject('effort')],
});

/** Some of these in `npm test`, and all of them in `npm run test:exhaustive`. @param shift makes the choice differ between lists. */
export function someOf<T>(
  all: readonly T[],
  { count, shift }: { readonly count: number; readonly shift: number },
): readonly T[] {
  if (inject('effort') === 'exhaustive' || all.length <= count) return all;
  const choices = fc.shuffledSubarray([...all], { minLength: count, maxLength: count });
  const [some = []] = fc.sample(choices, { seed: inject('seed') + shift, numRuns: 1 });
  return some;
}
