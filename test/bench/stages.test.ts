import { expect, it } from 'vitest';
import { stagesOf } from './stages.ts';

const delivered = (eventId: string, time: number, rest: object = {}) => ({
  msg: 'Delivered event',
  eventId,
  time,
  waitedMs: 5,
  ms: 20,
  attempt: 1,
  ...rest,
});
const reconciled = (eventId: string, time: number, eventReason = 'spec-changed') => ({
  msg: 'Reconciled Website',
  eventId,
  time,
  ms: 12,
  eventReason,
});

it('The stages of a change are computed from the logs, and add up to its total time', () => {
  const changes = [{ eventId: 'a.1', askedOn: 1000, seenOn: 1040 }];
  const { times } = stagesOf(changes, { forwarder: [delivered('a.1', 1035)], functions: [reconciled('a.1', 1030)] });
  const medians = Object.fromEntries(times.map(({ stage, p50 }) => [stage, p50]));
  expect(medians).toEqual({
    'written, and seen by the watch': 10,
    'in the queue': 5,
    'on the way, and in the host': 3,
    reconciled: 12,
    'status seen': 10,
    'in all': 40,
  });
});

it('The slowest hundredth of the changes has its own mean', () => {
  const ids = Array.from({ length: 200 }, (_, index) => `${index}.1`);
  const changes = ids.map((eventId, index) => ({ eventId, askedOn: 1000, seenOn: index < 2 ? 1140 : 1040 }));
  const logs = { forwarder: ids.map((id) => delivered(id, 1035)), functions: ids.map((id) => reconciled(id, 1030)) };
  const all = stagesOf(changes, logs).times.at(-1);
  expect(all).toMatchObject({ stage: 'in all', p50: 40, mean: 41, slowest: 140 });
});

it('The report counts unmatched changes, retries, and runs without a change', () => {
  const changes = ['a.1', 'b.1', 'c.1'].map((eventId) => ({ eventId, askedOn: 1000, seenOn: 1040 }));
  const logs = {
    forwarder: [delivered('a.1', 1035), delivered('b.1', 1035, { attempt: 2 })],
    functions: [
      reconciled('a.1', 1030),
      reconciled('b.1', 1030),
      reconciled('a.requeue.7', 1050, 'retry'),
      reconciled('z.requeue.1', 900, 'retry'),
    ],
  };
  expect(stagesOf(changes, logs, 1000)).toMatchObject({ unmatched: 1, retried: 1, otherRuns: { retry: 1 } });
});
