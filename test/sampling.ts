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
