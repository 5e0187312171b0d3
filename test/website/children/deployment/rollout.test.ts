import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aWebsite, SPEC } from '../../../fixtures/websites.ts';
import { rolloutVerdict } from '../../../../functions/website/children/deployment/rollout.ts';
import type { Deployment } from '../../../../functions/website/children/deployment/object.ts';
import { desiredChild } from '../../../fixtures/children.ts';

const TIMED_OUT = 'ReplicaSet "shop-deployment-1" has timed out progressing.';
const late = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: TIMED_OUT };
const failing = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota: none' };
const paused = { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' };

/** The counts in the order of a Deployment's own status: all, updated, ready, available. */
type Counts = readonly [all: number, updated: number, ready: number, available: number];

function judged(
  [all, updated, ready, available]: Counts,
  wanted: number,
  rest: { paused?: true; conditions?: object[] },
) {
  const deployment = desiredChild('Deployment', aWebsite(), { ...SPEC, image: 'nginx:2' });
  const counts = { replicas: all, updatedReplicas: updated, readyReplicas: ready, availableReplicas: available };
  const read = {
    ...deployment,
    metadata: { ...deployment.metadata, generation: 2 },
    spec: { ...deployment.spec, paused: rest.paused },
    status: { observedGeneration: 2, ...counts, conditions: rest.conditions },
  };
  return rolloutVerdict(read as unknown as Deployment, wanted);
}

describe('The condition of a rollout says what it waits for, as kubectl rollout status does:', () => {
  it.each<[string, Counts, number, { paused?: true; conditions?: object[] }, string]>([
    ['nothing', [2, 2, 2, 2], 2, {}, 'Available: 2 replicas are available'],
    ['nothing, of one', [1, 1, 1, 1], 1, {}, 'Available: 1 replica is available'],
    ['nothing, parked', [0, 0, 0, 0], 0, {}, 'Parked: Parked at 0 replicas'],
    ['new Pods', [0, 0, 0, 0], 1, {}, 'Progressing: 0 of 1 replica is updated'],
    ['new Pods beside old ones', [3, 1, 2, 2], 2, {}, 'Progressing: 1 of 2 replicas are updated'],
    ['the end of old Pods', [3, 2, 3, 3], 2, {}, 'Progressing: 1 old replica is pending termination'],
    ['the end of old Pods, parked', [2, 0, 2, 2], 0, {}, 'Progressing: 2 old replicas are pending termination'],
    ['the end of surplus Pods', [3, 3, 3, 3], 1, {}, 'Progressing: 2 surplus replicas are pending termination'],
    ['availability', [2, 2, 2, 1], 2, {}, 'Progressing: 1 of 2 updated replicas are available'],
    ['consistent counts', [1, 2, 2, 2], 2, {}, 'Progressing: Waiting for the Deployment controller'],
    [
      'the end of a pause',
      [2, 0, 2, 2],
      2,
      { paused: true, conditions: [paused] },
      'Paused: The Deployment is paused: 0 of 2 replicas are updated. To go on: kubectl rollout resume deployment/shop-deployment -n team-a',
    ],
    [
      'nothing, although it is paused, because it is complete',
      [2, 2, 2, 2],
      2,
      { paused: true, conditions: [paused] },
      'Available: 2 replicas are available',
    ],
    [
      'an image that does not start, while the old Pods serve',
      [3, 1, 2, 2],
      2,
      { conditions: [late] },
      `ProgressDeadlineExceeded: nginx:2 did not become ready in time: 1 of 2 replicas are updated, 0 of them are ready, and 2 old replicas still serve: ${TIMED_OUT}`,
    ],
    [
      'an image that does not start, while one old Pod does not serve either',
      [3, 1, 1, 1],
      2,
      { conditions: [late] },
      `ProgressDeadlineExceeded: nginx:2 did not become ready in time: 1 of 2 replicas are updated, and 1 of 3 replicas in all are ready: ${TIMED_OUT}`,
    ],
    [
      'an image that does not start, while as many old Pods serve',
      [4, 2, 3, 3],
      2,
      { conditions: [late] },
      `ProgressDeadlineExceeded: nginx:2 did not become ready in time: 1 of 2 updated replicas are ready, and 2 old replicas still serve: ${TIMED_OUT}`,
    ],
    [
      'an image that never started',
      [2, 2, 0, 0],
      2,
      { conditions: [late] },
      `ProgressDeadlineExceeded: nginx:2 did not become ready in time: 0 of 2 updated replicas are available: ${TIMED_OUT}`,
    ],
    [
      'a quota, for too long',
      [0, 0, 0, 0],
      2,
      { conditions: [late, failing] },
      'ProgressDeadlineExceeded: nginx:2 did not become ready in time: 0 of 2 replicas are updated: exceeded quota: none',
    ],
    [
      'a quota',
      [1, 1, 1, 1],
      2,
      { conditions: [failing] },
      'ReplicaFailure: 1 of 2 replicas are updated: exceeded quota: none',
    ],
  ])('%s', (_, counts, wanted, rest, text) => {
    const { reason, message } = judged(counts, wanted, rest);
    expect(`${reason}: ${message}`).toBe(text);
  });
});

const count = fc.integer({ min: 0, max: 4 });
const rest = fc.record(
  { paused: fc.constant(true as const), conditions: fc.subarray([late, failing, paused]) },
  { requiredKeys: [] },
);

it('A message of a rollout that is not ready never reads like success, and it is ready only with all counts as desired', () => {
  const goodNews = [0, 1, 2, 3, 4].map((each) => judged([each, each, each, each], each, {}).message);
  fc.assert(
    fc.property(fc.tuple(count, count, count, count), count, rest, (counts, wanted, given) => {
      const { state, message } = judged(counts, wanted, given);
      const [all, updated, , available] = counts;
      expect(state === 'ready').toBe([all, updated, available].every((each) => each === wanted));
      if (state === 'ready') return;
      for (const good of goodNews) expect(message).not.toContain(good);
      // `2 of 2 replicas are updated` would not be a reason to wait.
      for (const [, some, of] of message.matchAll(/(\d+) of (\d+) (?:\w+ )?replicas?/g))
        expect(Number(some)).toBeLessThan(Number(of));
      expect(message).toMatch(
        /of \d+ (updated )?(replica is|replicas are)|pending termination|Waiting for the Deployment controller/,
      );
    }),
  );
});
