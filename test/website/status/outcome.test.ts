import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../../functions/website/status/outcome.ts';
import type { ReadyReason } from '../../../functions/website/reasons.ts';
import { NOW } from '../../fixtures/websites.ts';

const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString();
const outcomeSince = (state: 'stalled' | 'progressing', reason: ReadyReason, lastTransitionTime: string) => {
  const type = state === 'stalled' ? 'Stalled' : 'Reconciling';
  const conditions = [{ type, status: 'True', lastTransitionTime, reason, message: '' } as const];
  return outcomeOf({ state, reason, message: '' }, { conditions }, NOW);
};
const stalled = (reason: ReadyReason, since: string) => outcomeSince('stalled', reason, since);

describe.each(['QuotaExceeded', 'Rejected'] as const)('A Website that has been stalled with %s', (reason) => {
  it.each([
    ['a moment', ago(0), 30],
    ['a minute', ago(60), 30],
    ['four minutes', ago(240), 60],
    ['twenty minutes', ago(1200), 300],
    ['a day', ago(86_400), 600],
    ['a negative time, by another clock', ago(-3600), 30],
    ['an unknown time', 'yesterday', 600],
  ])('for %s is reconciled again by time', (_, since, seconds) => {
    expect(stalled(reason, since)).toEqual({ kind: 'stalled', reason, requeueAfterSeconds: seconds });
  });

  it('is reconciled less often the longer it lasts: 20 times in the first hour', () => {
    let [elapsed, looks] = [0, 0];
    for (; elapsed < 3600; looks++) {
      const outcome = stalled(reason, ago(elapsed));
      elapsed += 'requeueAfterSeconds' in outcome ? (outcome.requeueAfterSeconds ?? 0) : 0;
    }
    expect(looks).toBe(20);
  });
});

it.each(['InvalidSpec', 'ImmutableSelector', 'ProgressDeadlineExceeded'] as const)(
  'A Website with %s is not reconciled again by time, because an event announces its end',
  (reason) => {
    expect(stalled(reason, ago(0))).toEqual({ kind: 'stalled', reason });
  },
);

describe.each(['Progressing', 'ReplicaFailure'] as const)('A rollout with %s', (reason) => {
  const waiting = (began: string, startedAt: string, readyAt?: string) =>
    outcomeOf(
      { state: 'progressing', reason, message: '', explainedBy: 'Pods' },
      {
        conditions: [{ type: 'Reconciling', status: 'True', lastTransitionTime: began, reason, message: '' }],
        history: [{ generation: 1, image: 'nginx:1', startedAt, ...(readyAt === undefined ? {} : { readyAt }) }],
      },
      NOW,
    );

  it.each([
    ['began a moment ago', ago(0), ago(0), undefined, 5],
    ['began a minute ago', ago(60), ago(60), undefined, 15],
    ['began an hour ago', ago(3600), ago(3600), undefined, 120],
    ['replaced another one a moment ago', ago(3600), ago(0), undefined, 5],
    ['was ready, and lost a Pod a moment ago', ago(0), ago(3600), ago(3500), 5],
    ['was ready, and lost a Pod an hour ago', ago(3600), ago(7200), ago(7100), 120],
    ['has an invalid time', 'yesterday', ago(0), undefined, 120],
  ])('that %s is reconciled again by time', (_, began, startedAt, readyAt, seconds) => {
    expect(waiting(began, startedAt, readyAt)).toEqual({ kind: 'waiting', reason, requeueAfterSeconds: seconds });
  });
});

it('A refusal without a written condition is tried again as soon as a new one', () => {
  expect(outcomeOf({ state: 'stalled', reason: 'Rejected', message: '' }, {}, NOW)).toMatchObject({
    requeueAfterSeconds: 30,
  });
});

describe.each(['Paused', 'Progressing'] as const)('A Website that is %s, whose end an event announces,', (reason) => {
  it.each([
    ['a moment', ago(0), 120],
    ['eight minutes', ago(480), 120],
    ['twenty minutes', ago(1200), 300],
    ['a week', ago(604_800), 600],
  ])('for %s is reconciled again by time, in case the event is lost', (_, since, requeueAfterSeconds) => {
    expect(outcomeSince('progressing', reason, since)).toEqual({ kind: 'waiting', reason, requeueAfterSeconds });
  });
});
