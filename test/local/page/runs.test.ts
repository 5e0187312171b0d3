import { expect, it } from 'vitest';
import { Runs, timeline } from '../../../infra/local/page/runs.ts';
import { delivered, failed, reconciled, undelivered } from './lines.ts';

const taken = (...lines: object[]): Runs => {
  const runs = new Runs();
  for (const each of lines) runs.take(each);
  return runs;
};

const record = (given: object = {}) => ({
  time: '2026-01-02T03:04:05.000Z',
  eventId: 'uid-1.7',
  eventReason: 'spec-changed',
  outcome: 'waiting',
  reason: 'Progressing',
  actions: ['replace Deployment', 'update status'],
  changed: ['Deployment spec.replicas'],
  ms: 52,
  ...given,
});

it('Log lines of both programs about one event are one run, in either order', () => {
  const both = {
    website: 'team-a/shop',
    event: 'the spec changed',
    eventId: 'uid-1.7',
    outcome: 'waiting',
    reason: 'Progressing',
    actions: ['update Deployment', 'update status'],
    ms: 52,
    delivery: { result: 'accepted', attempts: 1, ms: 60 },
  };
  expect(taken(reconciled(), delivered()).of('team-a/shop')).toMatchObject([both]);
  expect(taken(delivered(), reconciled()).of('team-a/shop')).toMatchObject([both]);
});

it('An event that fails and is sent again is one run, whose error disappears with the success', () => {
  const runs = taken(failed(), undelivered());
  expect(runs.latest(9)).toMatchObject([
    {
      outcome: 'failed',
      reason: 'Unavailable',
      error: 'Could not get websites shop',
      delivery: { result: 'failed', why: 'the sink answered 503' },
    },
  ]);
  runs.take(reconciled());
  runs.take(delivered({ attempt: 2 }));
  expect(runs.latest(9)).toHaveLength(1);
  expect(runs.latest(9)[0]).toMatchObject({ outcome: 'waiting', delivery: { result: 'accepted', attempts: 2 } });
  expect(runs.latest(9)[0]).toMatchObject({ error: undefined, delivery: { why: undefined } });
});

it('Other log lines are not taken for runs', () => {
  const others = [
    {},
    { msg: 'Listening', url: 'http://localhost' },
    { msg: 'Reconciled Website' },
    { ...reconciled(), actions: 'all' },
    { msg: 'a warning of Node' },
    delivered({ namespace: undefined, name: undefined, type: 'resync' }),
  ];
  expect(taken(...others).latest(9)).toEqual([]);
});

it('The latest 2,000 runs are kept, and a run moves up when its event is logged again', () => {
  const runs = new Runs();
  for (let each = 0; each < 2_500; each++) {
    runs.take(reconciled({ eventId: `uid-1.${each}` }));
    runs.take(delivered({ eventId: 'uid-1.kept' }));
  }
  const kept = runs.of('team-a/shop');
  expect(kept).toHaveLength(2_000);
  expect(kept.at(-1)?.eventId).toBe('uid-1.kept');
  expect(kept[0]?.eventId).toBe('uid-1.501');
});

it('The history adds changed fields and earlier runs to the live timeline', () => {
  const live = taken(reconciled(), delivered()).of('team-a/shop');
  const before = record({
    time: '2026-01-01T00:00:00.000Z',
    eventId: 'uid-1.1',
    eventReason: 'first-seen',
    changed: [],
  });
  const shown = timeline(live, [record(), before], 'team-a/shop');
  expect(shown).toMatchObject([
    { event: 'the spec changed', changed: ['Deployment spec.replicas'], delivery: { attempts: 1 } },
    { event: 'first seen', ms: 52 },
  ]);
});

it('Several records of one event are one entry with the newest outcome and all changed fields', () => {
  const late = record({ outcome: 'settled', changed: ['Service spec.ports'] });
  const early = record({ time: '2026-01-02T03:04:00.000Z', outcome: 'failed' });
  expect(timeline([], [late, early], 'team-a/shop')).toMatchObject([
    { outcome: 'settled', changed: ['Service spec.ports', 'Deployment spec.replicas'] },
  ]);
});

it('A run of a resync has no event, and the timeline shows it once, from the history or else from the log', () => {
  const live = taken(reconciled({ eventId: undefined, eventReason: 'resync' })).of('team-a/shop');
  const stored = record({ eventId: undefined, eventReason: 'resync' });
  expect(timeline(live, [stored], 'team-a/shop')).toMatchObject([{ event: 'resync', changed: [expect.anything()] }]);
  expect(timeline(live, [], 'team-a/shop')).toMatchObject([{ event: 'resync' }]);
});
