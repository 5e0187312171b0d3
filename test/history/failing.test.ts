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
    'A settled Website adds nothing, however often it is looked at',
    [
      [settled, false],
      [settled, false],
    ],
  ],
  [
    'Each run that wrote something is recorded',
    [
      [wrote, true],
      [wrote, true],
    ],
  ],
  [
    'A failure is recorded once for each reason, and so is its end',
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
    'A failed run that wrote something is recorded each time',
    [
      [{ ...failed, actions: ['create Deployment'] }, true],
      [{ ...failed, actions: ['create Service'] }, true],
    ],
  ],
  [
    'One Website says nothing about another, nor one cluster about another',
    [
      [failed, true],
      [{ ...failed, name: 'other' }, true],
      [{ ...failed, cluster: 'east' }, true],
      [failed, false],
    ],
  ],
  [
    'A deletion is recorded once, and the events of the children that follow are not',
    [
      [deleted, true],
      [gone('child-deleted'), false],
      [deleted, false],
      [wrote, true],
      [deleted, true],
    ],
  ],
  ['A Website that is not there is not worth a record', [[gone('retry'), false]]],
])('%s', (_, runs) => {
  const failing = new Failing();
  expect(runs.map(([run]) => failing.isNews(run))).toEqual(runs.map(([, isNews]) => isNews));
});

it('remembers a limited number of Websites, the latest ones', () => {
  const failing = new Failing();
  const isNews = (index: number) => failing.isNews({ ...failed, name: `n${index}` });
  for (let index = 0; index <= 10_000; index++) isNews(index);
  expect([isNews(10_000), isNews(1), isNews(0)]).toEqual([false, false, true]);
});
