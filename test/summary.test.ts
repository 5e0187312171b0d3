import { expect, it } from 'vitest';
import { countsIn, summary, total } from './summary.ts';

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
