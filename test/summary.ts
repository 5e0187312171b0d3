/** What became of the tests of a run. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One plain line, for programs: `12 passed, 0 failed`. */
export const summary = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;

/** Reads such a line. @returns undefined for any other line. */
export function countsIn(line: string): Counts | undefined {
  const [whole, passed, failed, skipped = '0'] = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(line) ?? [];
  return whole === undefined ? undefined : { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}

export const total = (all: readonly Counts[]): Counts => ({
  passed: sum(all.map(({ passed }) => passed)),
  failed: sum(all.map(({ failed }) => failed)),
  skipped: sum(all.map(({ skipped }) => skipped)),
});

const sum = (numbers: readonly number[]): number => numbers.reduce((left, right) => left + right, 0);
