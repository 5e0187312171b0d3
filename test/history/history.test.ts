// A store that is down, slow or full costs only counts and a log line.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { History } from '../../functions/history/history.ts';
import { HistoryError, type HistoryRecord, type HistoryStore } from '../../functions/history/store.ts';
import * as metrics from '../../functions/telemetry/metrics.ts';
import { eventually } from '../eventually.ts';
import { record } from './records.ts';

type Add = HistoryStore['add'];

let lines: [object, string | undefined][];
let counted: Record<string, number>;
beforeEach(() => {
  lines = [];
  counted = {};
  vi.spyOn(metrics, 'countRecords').mockImplementation((result, count) => {
    counted[result] = (counted[result] ?? 0) + count;
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const write = (fields: object, message?: string) => void lines.push([fields, message]);
const log = { debug: write, info: write, warn: write, error: write };
const messages = () => lines.map(([, message]) => message);

function historyOn(store: Partial<HistoryStore>): History {
  const none: HistoryStore = {
    open: async () => {},
    add: async () => {},
    list: async () => [],
    prune: async () => 0,
    close: async () => {},
  };
  return new History({ ...none, ...store }, { clusterName: 'west', days: 30 }, log);
}

async function msOf(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work;
  return performance.now() - start;
}

/** Records with different names, so that each one counts as new. */
const records = (count: number): HistoryRecord[] => Array.from({ length: count }, (_, n) => record({ name: `n${n}` }));

it('Records that arrive during a write are written together in the next one', async () => {
  const batches: string[][] = [];
  const first = Promise.withResolvers<void>();
  const history = historyOn({
    async add(batch) {
      batches.push(batch.map(({ name }) => name));
      if (batches.length === 1) await first.promise;
    },
  });
  const all = records(4).map((each) => history.record(each));
  first.resolve();
  await Promise.all(all);
  expect(batches).toEqual([['n0'], ['n1', 'n2', 'n3']]);
  expect(counted).toEqual({ written: 4 });
  expect(lines).toEqual([]);
});

it('A record that the store takes long to write is written nevertheless, and only the first reply waits', async () => {
  vi.useFakeTimers();
  const answers: (() => void)[] = [];
  const add = vi.fn<Add>(async () => new Promise((resolve) => answers.push(resolve)));
  const history = historyOn({ add });
  const [first, ...others] = records(3).map((each) => () => history.record(each));
  const reply = first?.();
  await vi.advanceTimersByTimeAsync(200);
  await reply;
  // No timer fires for these.
  for (const each of others) await each();
  answers[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  answers[1]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(add.mock.calls.map(([batch]) => batch.map(({ name }) => name))).toEqual([['n0'], ['n1', 'n2']]);
  expect(counted).toEqual({ written: 3 });
  expect(lines).toEqual([]);
});

it('After a failure the records wait for the end of a pause, and the store gets them all again', async () => {
  vi.useFakeTimers();
  const add = vi.fn<Add>().mockRejectedValueOnce(new HistoryError('failed', 'disk full'));
  const history = historyOn({ add });
  for (const each of records(3)) await history.record(each);
  expect(lines).toEqual([[{ error: 'disk full', waiting: 1, dropped: 0 }, 'Could not write history']]);
  await vi.advanceTimersByTimeAsync(9_999);
  expect(add).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(add.mock.calls.map(([batch]) => batch.map(({ name }) => name))).toEqual([['n0'], ['n0', 'n1', 'n2']]);
  expect(lines[1]).toEqual([{ dropped: 0 }, 'Wrote history again']);
  expect(counted).toEqual({ written: 3 });
});

it('A store that fails for 5 minutes costs the records that waited so long, and the log counts them', async () => {
  vi.useFakeTimers();
  const add = vi.fn<Add>().mockRejectedValue(new HistoryError('late', 'no answer'));
  const history = historyOn({ add });
  await history.record(record({ name: 'old' }));
  await vi.advanceTimersByTimeAsync(289_000);
  await history.record(record({ name: 'young' }));
  expect(counted).toEqual({});
  await vi.advanceTimersByTimeAsync(1_000);
  expect(counted).toEqual({ late: 1 });
  expect(lines.at(-1)).toEqual([{ error: 'no answer', waiting: 1, dropped: 1 }, 'Could not write history']);
  add.mockResolvedValue();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(add.mock.lastCall?.[0].map(({ name }) => name)).toEqual(['young']);
  expect(lines.at(-1)).toEqual([{ dropped: 1 }, 'Wrote history again']);
  add.mockRejectedValue(new HistoryError('failed', 'disk full'));
  await history.record(record({ name: 'later' }));
  expect(lines.at(-1)).toEqual([{ error: 'disk full', waiting: 1, dropped: 0 }, 'Could not write history']);
});

it('A process that was frozen longer than that keeps its records, although its connection is broken then', async () => {
  vi.useFakeTimers();
  const add = vi.fn<Add>().mockRejectedValueOnce(new HistoryError('failed', 'restarting'));
  const history = historyOn({ add });
  await history.record(record());
  const now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 3_600_000);
  add.mockRejectedValueOnce(new HistoryError('failed', 'Connection terminated'));
  await vi.advanceTimersByTimeAsync(20_000);
  clock.mockRestore();
  expect(add).toHaveBeenCalledTimes(3);
  expect(counted).toEqual({ written: 1 });
});

it('A failure whose record was dropped is recorded again when it happens again', async () => {
  vi.useFakeTimers();
  const add = vi.fn<Add>().mockRejectedValue(new HistoryError('failed', 'disk full'));
  const history = historyOn({ add });
  const failed = record({ outcome: 'failed', reason: 'Unavailable', actions: [] });
  await history.record(failed);
  await history.record(failed);
  await vi.advanceTimersByTimeAsync(300_000);
  expect(counted).toEqual({ failed: 1 });
  add.mockResolvedValue();
  await history.record(failed);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(counted).toEqual({ failed: 1, written: 1 });
});

it('While a store is slow, a limited number of records waits, and the others are counted as dropped', async () => {
  vi.useFakeTimers();
  const first = Promise.withResolvers<void>();
  const history = historyOn({ add: async () => first.promise });
  const all = records(600).map((each) => history.record(each));
  await vi.advanceTimersByTimeAsync(200);
  await Promise.all(all);
  expect(counted).toEqual({ full: 100 });
  first.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(counted).toEqual({ full: 100, written: 500 });
  expect(lines).toEqual([[{ dropped: 100 }, 'Wrote history again']]);
});

it('A bug in a store fails no reply', async () => {
  const history = historyOn({ add: () => Promise.reject(new TypeError('x is not a function')) });
  await history.record(record());
  expect(messages()).toEqual(['Could not write history']);
});

it('A store that cannot be opened is logged once, and no rejection stays unhandled', async () => {
  const history = historyOn({ open: () => Promise.reject(new HistoryError('failed', 'no such host')) });
  history.openSoon();
  await eventually(() => expect(lines).toEqual([[{ error: 'no such host' }, 'Could not open history']]));
});

it('Closing the history writes the waiting records first', async () => {
  const done: string[] = [];
  const history = historyOn({
    add: async (batch) => void done.push(...batch.map(({ name }) => name)),
    close: async () => void done.push('closed'),
  });
  const all = records(3).map((each) => history.record(each));
  await history.close();
  await Promise.all(all);
  expect(done).toEqual(['n0', 'n1', 'n2', 'closed']);
});

it('Closing the history tries the store again, even in a pause', async () => {
  vi.useFakeTimers();
  const add = vi.fn<Add>().mockRejectedValueOnce(new HistoryError('failed', 'restarting'));
  const history = historyOn({ add });
  for (const each of records(2)) await history.record(each);
  await history.close();
  expect(counted).toEqual({ written: 2 });
  expect(vi.getTimerCount()).toBe(0);
});

it('Closing the history writes what waits for a write that fails meanwhile', async () => {
  const first = Promise.withResolvers<void>();
  const add = vi.fn<Add>().mockReturnValueOnce(first.promise);
  const history = historyOn({ add });
  const all = records(2).map((each) => history.record(each));
  const closed = history.close();
  first.reject(new HistoryError('failed', 'restarting'));
  await Promise.all([closed, ...all]);
  expect(counted).toEqual({ written: 2 });
});

/** A store that does not answer gives up when its time is over. */
const hanging: Add = async (_, withinMs) =>
  new Promise((_resolve, reject) => setTimeout(() => reject(new HistoryError('late', 'no answer')), withinMs));

it('Closing the history ends although the store hangs, and counts what is lost', async () => {
  vi.useFakeTimers();
  const close = vi.fn<HistoryStore['close']>(async () => {});
  const history = historyOn({ add: hanging, close });
  const all = records(2).map((each) => history.record(each));
  const closed = history.close();
  // Azure ends a worker after 5 s.
  await vi.advanceTimersByTimeAsync(3_000);
  await Promise.all([closed, ...all]);
  expect(close).toHaveBeenCalledTimes(1);
  expect(counted).toEqual({ late: 2 });
  expect(lines.at(-1)).toEqual([{ dropped: 2, unconfirmed: 1 }, 'Stopped before all history was written']);
});

it('A write that runs while the history is closed counts as written once, and the next one has the time that is left', async () => {
  vi.useFakeTimers();
  const first = Promise.withResolvers<void>();
  const add = vi.fn<Add>().mockImplementation(hanging).mockReturnValueOnce(first.promise);
  const history = historyOn({ add });
  const all = records(3).map((each) => history.record(each));
  const closed = history.close();
  await vi.advanceTimersByTimeAsync(2_900);
  first.resolve();
  await vi.advanceTimersByTimeAsync(100);
  await Promise.all([closed, ...all]);
  expect(add.mock.calls.map(([batch, withinMs]) => [batch.length, withinMs])).toEqual([
    [1, 3_000],
    [2, 100],
  ]);
  expect(counted).toEqual({ written: 1, late: 2 });
  expect(lines.at(-1)).toEqual([{ dropped: 2, unconfirmed: 2 }, 'Stopped before all history was written']);
});

it('Closing the history also writes what runs leave meanwhile, and says that what comes later is lost', async () => {
  const done: string[] = [];
  const history: History = historyOn({
    async add(batch) {
      await Promise.resolve();
      // The second write is the one that closing waits for.
      if (batch.some(({ name }) => name === 'n1')) all.push(history.record(record({ name: 'meanwhile' })));
      await Promise.resolve();
      done.push(...batch.map(({ name }) => name));
    },
    close: async () => void done.push('closed'),
  });
  const all = records(2).map((each) => history.record(each));
  await history.close();
  await history.record(record({ name: 'later' }));
  await Promise.all(all);
  expect(done).toEqual(['n0', 'n1', 'meanwhile', 'closed']);
  expect(counted).toEqual({ written: 3, late: 1 });
  expect(lines).toEqual([[{ dropped: 1, unconfirmed: 0 }, 'Stopped before all history was written']]);
});

it('Closing the history tries a store that refuses the records once', async () => {
  const add = vi.fn<Add>().mockRejectedValue(new HistoryError('failed', 'disk full'));
  const history = historyOn({ add });
  await history.record(record());
  await history.close();
  expect(add).toHaveBeenCalledTimes(2);
  expect(lines.at(-1)).toEqual([{ dropped: 1, unconfirmed: 0 }, 'Stopped before all history was written']);
});

it('Pruning deletes old records in batches until all are deleted, and an error is only logged', async () => {
  const prune = vi
    .fn<HistoryStore['prune']>()
    .mockResolvedValueOnce(500)
    .mockResolvedValueOnce(500)
    .mockResolvedValue(7);
  const now = new Date('2026-03-31T00:00:00Z');
  await historyOn({ prune }).prune(now);
  expect(prune.mock.calls.map(([before, most]) => [new Date(before).toISOString(), most])).toEqual(
    [1, 2, 3].map(() => ['2026-03-01T00:00:00.000Z', 500]),
  );
  expect(lines).toEqual([]);
  await historyOn({ prune: () => Promise.reject(new HistoryError('failed', 'gone')) }).prune(now);
  expect(lines).toEqual([[{ error: 'gone' }, 'Could not delete old history']]);
});

it('Pruning stops at its time limit, and leaves the rest to the next time', async () => {
  let deadline = 0;
  const history = historyOn({
    async prune(_, most, withinMs) {
      deadline ||= withinMs;
      await delay(100);
      return most;
    },
  });
  const ms = await msOf(history.prune(new Date()));
  expect(deadline).toBeLessThanOrEqual(2_000);
  expect(ms).toBeLessThan(20_000);
});
