import { expect, it } from 'vitest';
import { Failing } from '../../functions/history/failing.ts';
import type { HistoryRecord } from '../../functions/history/store.ts';
import { record } from './records.ts';

const NONE = { actions: [], changed: [] };
const settled = record({ ...NONE, outcome: 'settled', reason: 'Available' });
const wrote = record({ outcome: 'settled', reason: 'Available' });
const failed = record({ ...NONE, outcome: 'failed', reason: 'Unavailable' });
const deleted: HistoryRecord = { ...NONE, ...gone('deleted') };

function gone(eventReason: string): HistoryRecord {
  const { reason: _, ...rest } = record({ ...NONE, outcome: 'gone', eventReason });
  return rest;
}

it.each<[string, readonly [HistoryRecord, boolean][]]>([
  [
    'A settled Website adds no record, however often it is reconciled',
    [
      [settled, false],
      [settled, false],
    ],
  ],
  [
    'Each run that wrote to the cluster is recorded',
    [
      [wrote, true],
      [wrote, true],
    ],
  ],
  [
    'A failure is recorded once for each reason, and its end once',
    [
      [failed, true],
      [failed, false],
      [{ ...failed, reason: 'Timeout' }, true],
      [{ ...failed, reason: 'Timeout' }, false],
      [settled, true],
      [settled, false],
      [failed, true],
    ],
  ],
  [
    'Each failed run that wrote to the cluster is recorded',
    [
      [{ ...failed, actions: ['create Deployment'] }, true],
      [{ ...failed, actions: ['create Service'] }, true],
    ],
  ],
  [
    'A failure is counted separately for each Website and each cluster',
    [
      [failed, true],
      [{ ...failed, name: 'other' }, true],
      [{ ...failed, cluster: 'east' }, true],
      [failed, false],
    ],
  ],
  [
    'A deletion is recorded once, and the later events of its children are not recorded',
    [
      [deleted, true],
      [gone('child-deleted'), false],
      [deleted, false],
      [wrote, true],
      [deleted, true],
    ],
  ],
  ['A run for a missing Website is not recorded', [[gone('retry'), false]]],
])('%s', (_, runs) => {
  const failing = new Failing();
  expect(runs.map(([run]) => failing.isNews(run))).toEqual(runs.map(([, isNews]) => isNews));
});

it('The filter remembers only the latest 10,000 Websites', () => {
  const failing = new Failing();
  const isNews = (index: number) => failing.isNews({ ...failed, name: `n${index}` });
  for (let index = 0; index <= 10_000; index++) isNews(index);
  expect([isNews(10_000), isNews(1), isNews(0)]).toEqual([false, false, true]);
});
