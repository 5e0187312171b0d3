import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** New in each run, unless `SEED` states it. */
    seed: number;
    isExhaustive: boolean;
  }
}

/** How often a property runs that finds more the longer it runs: sometimes in `npm test`, and often in `npm run test:exhaustive`. */
export interface Effort {
  readonly sometimes: number;
  readonly often: number;
}

/** Options for fast-check. A given `SEED` repeats the values. */
export const sampled = ({ sometimes, often }: Effort) => ({
  seed: inject('seed'),
  numRuns: inject('isExhaustive') ? often : sometimes,
});

/** Some of these in `npm test`, and all of them in `npm run test:exhaustive`. @param shift makes the choice differ between lists. */
export function someOf<T>(
  all: readonly T[],
  { count, shift }: { readonly count: number; readonly shift: number },
): readonly T[] {
  if (inject('isExhaustive') || all.length <= count) return all;
  const choices = fc.shuffledSubarray([...all], { minLength: count, maxLength: count });
  const [some = []] = fc.sample(choices, { seed: inject('seed') + shift, numRuns: 1 });
  return some;
}
