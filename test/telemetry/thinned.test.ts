import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Log } from '../../functions/telemetry/log.ts';
import { Thinned } from '../../functions/telemetry/thinned.ts';

let lines: object[];
let log: Log;
let thinned: Thinned;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  lines = [];
  const at = (level: string) => (fields: object, msg?: string) => void lines.push({ level, ...fields, msg });
  log = { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') };
  thinned = new Thinned(log);
});
afterEach(() => void vi.useRealTimers());

function refuse(times: number, problem = 'refused'): void {
  for (let each = 0; each < times; each++) thinned.log(log, 'warn', problem, { why: problem }, 'Refused caller');
}

/** What was written since the last look. */
const written = (): object[] => lines.splice(0);

const LINE = { level: 'warn', why: 'refused', msg: 'Refused caller' };

it('Of many lines about one problem, the first 20 come at once, and then one every 5 s with the number of the others', () => {
  refuse(20);
  expect(written()).toEqual(Array.from({ length: 20 }, () => LINE));
  vi.advanceTimersByTime(4_999);
  refuse(100);
  expect(written()).toEqual([]);
  vi.advanceTimersByTime(1);
  refuse(2);
  expect(written()).toEqual([{ ...LINE, leftOut: 100 }]);
  vi.advanceTimersByTime(5_000);
  refuse(1);
  expect(written()).toEqual([{ ...LINE, leftOut: 1 }]);
});

it('A new problem has lines of its own', () => {
  refuse(21);
  written();
  refuse(1, 'denied');
  expect(written()).toEqual([{ ...LINE, why: 'denied' }]);
});

const REST = { level: 'warn', line: 'Refused caller', problem: 'refused', msg: 'Left out lines' };

it('Once no more lines come, the log says how many were left out at last', () => {
  refuse(50);
  written();
  vi.advanceTimersByTime(10_000);
  expect(written()).toEqual([{ ...REST, leftOut: 30 }]);
  vi.advanceTimersByTime(60_000);
  expect(written()).toEqual([]);
  refuse(1);
  expect(written()).toEqual([LINE]);
});

it('While lines keep coming, they carry the number, and no line of its own does', () => {
  refuse(20);
  written();
  for (let second = 1; second <= 60; second++) {
    vi.advanceTimersByTime(1_000);
    refuse(10);
  }
  expect(written()).toEqual([
    { ...LINE, leftOut: 40 },
    ...Array.from({ length: 11 }, () => ({ ...LINE, leftOut: 49 })),
  ]);
});

it('A process that stops reports what was left out, once', () => {
  refuse(21);
  refuse(22, 'denied');
  refuse(1, 'late');
  written();
  thinned.reportRest();
  expect(written()).toEqual([
    { ...REST, leftOut: 1 },
    { ...REST, problem: 'denied', leftOut: 2 },
  ]);
  vi.advanceTimersByTime(60_000);
  expect(written()).toEqual([]);
});

it('The number of problems does not grow without limit, and no number is lost', () => {
  refuse(23);
  for (let each = 0; each < 99; each++) refuse(1, `message ${each}`);
  written();
  refuse(1, 'one more');
  expect(written()).toEqual([
    { ...REST, leftOut: 3 },
    { ...LINE, why: 'one more' },
  ]);
  refuse(1);
  expect(written()).toEqual([LINE]);
});

it('What is left to report keeps no process alive', () => {
  vi.useRealTimers();
  const timers = () => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
  const before = timers();
  refuse(30);
  expect(timers()).toBe(before);
  thinned.reportRest();
});
