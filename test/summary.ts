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

/** One plain line for a failed test, or for an error outside any test. `file` and `test` may be empty. */
export const failure = (file: string, test: string, message: string): string =>
  `${FAILED}${[file, test, message.split('\n', 1)[0]].filter((part) => part !== '').join(': ')}`;

export const isFailure = (line: string): boolean => line.startsWith(FAILED);

const FAILED = 'FAILED ';

export const total = (all: readonly Counts[]): Counts => ({
  passed: sum(all.map(({ passed }) => passed)),
  failed: sum(all.map(({ failed }) => failed)),
  skipped: sum(all.map(({ skipped }) => skipped)),
});

const sum = (numbers: readonly number[]): number => numbers.reduce((left, right) => left + right, 0);
