import { expect, it } from 'vitest';
import { logLineOf } from '../../../infra/local/processes/log-line.ts';
import { Changes } from '../../../infra/local/terminal/changes.ts';

const KEY = { namespace: 'team-a', name: 'shop' };
const AT = new Date();

function changeAfter(...runs: object[]) {
  const changes = new Changes();
  for (const run of runs)
    changes.note(logLineOf(JSON.stringify({ msg: 'Reconciled Website', ...KEY, outcome: 'settled', ...run })), AT);
  return changes.of(KEY);
}

it.each([
  [{ actions: ['replace Deployment'], ms: 25 }, 'update Deployment, 25 ms'],
  [{ actions: ['create Deployment', 'create Service', 'update status'], ms: 31 }, 'create Deployment +1, 31 ms'],
  [
    { actions: ['replace Deployment'], repaired: ['Deployment spec.replicas'], ms: 12 },
    'repair Deployment spec.replicas, 12 ms',
  ],
  [{ actions: ['replace Service'], eventReason: 'resync' }, 'update Service'],
])('The last change is described by its first action: %j', (run, what) => {
  expect(changeAfter(run)).toEqual({ what, at: AT });
});

it('A run that only writes the status is not a change', () => {
  const first = { actions: ['create Deployment'], ms: 1 };
  expect(changeAfter(first, { actions: ['update status'], ms: 9 }, { actions: [], ms: 9 })?.what).toBe(
    'create Deployment, 1 ms',
  );
});

it('A deleted Website has no last change', () => {
  expect(changeAfter({ actions: ['create Deployment'], ms: 1 }, { actions: [], outcome: 'gone' })).toBeUndefined();
});
