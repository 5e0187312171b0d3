// A store that is down, slow or full costs only counts and a log line.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, expect, it, vi } from 'vitest';
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

const write = (fields: object, message?: string) => void lines.push([fields, message]);
const log = { info: write, warn: write, error: write };
const messages = () => lines.map(([, message]) => message);

function historyOn(store: Partial<HistoryStore>, pauseMs = 10_000): History {
  const none: HistoryStore = {
    open: async () => {},
    add: async () => {},
    list: async () => [],
    prune: async () => 0,
    close: async () => {},
  };
  return new History({ ...none, ...store }, { clusterName: 'west', days: 30, pauseMs }, log);
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

it('A failing store leads to one log line and to counts, and the history pauses', async () => {
  const add = vi.fn<Add>().mockRejectedValue(new HistoryError('failed', 'disk full'));
  const history = historyOn({ add });
  for (const each of records(3)) await history.record(each);
  expect(add).toHaveBeenCalledTimes(1);
  expect(lines).toEqual([[{ error: 'disk full', dropped: 1 }, 'Could not write history']]);
  expect(counted).toEqual({ failed: 1, paused: 2 });
});

it('A store that works again is used again, and the log says how many records are missing', async () => {
  const add = vi.fn<Add>().mockRejectedValueOnce(new HistoryError('late', 'no answer'));
  const history = historyOn({ add }, 0);
  for (const each of records(3)) await history.record(each);
  expect(messages()).toEqual(['Could not write history', 'Wrote history again']);
  expect(lines[1]).toEqual([{ dropped: 1 }, 'Wrote history again']);
  expect(counted).toEqual({ late: 1, written: 2 });
});

it('A store that never answers delays a reply only for a limited time', async () => {
  const history = historyOn({ add: async () => new Promise(() => {}) });
  const ms = await msOf(Promise.all(records(3).map((each) => history.record(each))));
  expect(ms).toBeGreaterThan(150);
  expect(ms).toBeLessThan(10_000);
});

it('While a store hangs, a limited number of records waits, and the others are counted as dropped', async () => {
  const history = historyOn({ add: async () => new Promise(() => {}) });
  await Promise.all(records(600).map((each) => history.record(each)));
  // One record was being written, and 500 waited.
  expect(counted).toEqual({ full: 99 });
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
