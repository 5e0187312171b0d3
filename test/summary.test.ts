import { expect, it } from 'vitest';
import { countsIn, failure, isFailure, summary, total } from './summary.ts';

it.each([
  { passed: 12, failed: 0, skipped: 0 },
  { passed: 0, failed: 3, skipped: 2 },
])('The reader understands the last line that a run prints: %o', (counts) => {
  expect(countsIn(summary(counts))).toEqual(counts);
});

it.each(['', ' 12 passed, 0 failed', '12 passed', 'Tests  12 passed (12)'])(
  'The reader does not take %j for the last line',
  (line) => {
    expect(countsIn(line)).toBeUndefined();
  },
);

it('The totals of two runs are one line', () => {
  const runs = [
    { passed: 12, failed: 0, skipped: 1 },
    { passed: 3, failed: 2, skipped: 1 },
  ];
  expect(summary(total(runs))).toBe('15 passed, 2 failed, 2 skipped');
});

it('A failed test is one line, with the first line of its error', () => {
  const line = failure('unit test/a.test.ts', 'A site > is ready', 'expected 1 to be 2\n\n- 2\n+ 1');
  expect(line).toBe('FAILED unit test/a.test.ts: A site > is ready: expected 1 to be 2');
  expect(isFailure(line)).toBe(true);
});

it('An error outside any test is one line', () => {
  expect(failure('', '', 'boom')).toBe('FAILED boom');
  expect(isFailure('12 passed, 1 failed')).toBe(false);
});
