import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { desired } from '../../../functions/website/plan/desired.ts';
import type { Obstacle } from '../../../functions/website/plan/plan.ts';
import { REQUESTED_AT, websiteSpec, type WebsiteStatus } from '../../../functions/website/resource.ts';
import { READY_REASONS } from '../../../functions/website/reasons.ts';
import { statusOf, verdict, type Seen } from '../../../functions/website/status/status.ts';
import { aWebsite, NOW, SPEC } from '../../fixtures/websites.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import { desiredChild } from '../../fixtures/children.ts';

function seen(given: { rollout?: object; spec?: object; obstacles?: Obstacle[]; rest?: Partial<Seen> } = {}): Seen {
  const spec = websiteSpec.parse({ ...SPEC, ...given.spec });
  const wanted = desired(aWebsite(), spec);
  const deployment = desiredChild('Deployment', aWebsite(), spec);
  const all = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
  const read = {
    ...deployment,
    metadata: { ...deployment.metadata, generation: 1 },
    status: { ...all, ...given.rollout },
  };
  const remaining = { steps: [], obstacles: given.obstacles ?? [] };
  return {
    spec,
    wanted,
    children: { Deployment: read as unknown as Deployment },
    refusals: [],
    remaining,
    ...given.rest,
  };
}

const obstacle = (why: Obstacle['why']): Obstacle[] => [{ kind: 'Deployment', name: 'shop-deployment', why }];
const late = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' }];
const failing = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }];

it('docs/status.md lists exactly the reasons, and has a section about each', () => {
  const page = readFileSync('docs/status.md', 'utf8');
  const found = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, reason]) => reason);
  expect(found(/^\| \[`(\w+)`\]\(#\w+\) \| (?:True|False|True or Unknown) \|/gm)).toEqual(READY_REASONS);
  expect(found(/^### `(\w+)`$/gm)).toEqual(READY_REASONS);
});

describe('A Website', () => {
  it.each<[string, Parameters<typeof seen>[0], string, string]>([
    ['whose Pods are all available is ready', {}, 'ready', 'Available'],
    [
      'with 0 replicas is ready, and parked',
      { spec: { replicas: 0 }, rollout: { replicas: 0, updatedReplicas: 0, availableReplicas: 0 } },
      'ready',
      'Parked',
    ],
    ['with 0 replicas and Pods left is progressing', { spec: { replicas: 0 } }, 'progressing', 'Progressing'],
    [
      'whose Deployment controller has not acted is progressing',
      { rollout: { observedGeneration: 0 } },
      'progressing',
      'Progressing',
    ],
    ['with too few available Pods is progressing', { rollout: { availableReplicas: 1 } }, 'progressing', 'Progressing'],
    ['with old Pods left is progressing', { rollout: { replicas: 3 } }, 'progressing', 'Progressing'],
    ['with outdated Pods is progressing', { rollout: { updatedReplicas: 1 } }, 'progressing', 'Progressing'],
    [
      'that exceeded its deadline is stalled',
      { rollout: { availableReplicas: 0, conditions: late } },
      'stalled',
      'ProgressDeadlineExceeded',
    ],
    [
      'whose Pods cannot be created is progressing with the cause',
      { rollout: { availableReplicas: 0, conditions: failing } },
      'progressing',
      'ReplicaFailure',
    ],
    [
      'with a foreign Deployment in its place is stalled',
      { obstacles: obstacle('foreign') },
      'stalled',
      'NameConflict',
    ],
    [
      'whose Deployment has another selector is stalled',
      { obstacles: obstacle('immutable') },
      'stalled',
      'ImmutableSelector',
    ],
    [
      'with left-over children waits for their deletion',
      { obstacles: obstacle('left-over') },
      'progressing',
      'WaitingForDeletion',
    ],
    [
      'that is suspended with matching children is ready, with the reason Suspended',
      { spec: { suspend: true } },
      'ready',
      'Suspended',
    ],
    [
      'that is suspended during a rollout is not ready',
      { spec: { suspend: true }, rollout: { availableReplicas: 1 } },
      'suspended',
      'Suspended',
    ],
    [
      'that is suspended with an obstacle is not ready',
      { spec: { suspend: true }, obstacles: obstacle('foreign') },
      'suspended',
      'Suspended',
    ],
    ['whose Deployment is missing is progressing', { rest: { children: {} } }, 'progressing', 'Progressing'],
    [
      'whose write the API server refuses is stalled',
      { rest: { refusals: [{ reason: 'Rejected', message: 'no' }] } },
      'stalled',
      'Rejected',
    ],
    [
      'whose children do not stay as written is never ready',
      {
        rest: {
          remaining: {
            steps: [[{ verb: 'create', child: desiredChild('Service', aWebsite(), SPEC) }]],
            obstacles: [],
          },
        },
      },
      'progressing',
      'Overridden',
    ],
  ])('%s', (_, given, state, reason) => {
    expect(verdict(seen(given))).toMatchObject({ state, reason });
  });

  it('whose child is missing again after the write has a message that says where to look', () => {
    const steps = [[{ verb: 'create', child: desiredChild('Service', aWebsite(), SPEC) }] as const];
    expect(verdict(seen({ rest: { remaining: { steps, obstacles: [] } } })).message).toBe(
      'Service shop-service does not stay as written. Check for an admission policy or another controller that changes or deletes it',
    );
  });
});

describe('The status', () => {
  const status = (website = aWebsite(), given: Parameters<typeof seen>[0] = {}): WebsiteStatus => {
    const what = seen(given);
    return statusOf(website, what, verdict(what), NOW);
  };
  const types = ({ conditions = [] }: WebsiteStatus) =>
    conditions.map((condition) => `${condition.type}=${condition.status}`);

  it('has the names and counts of the children, and the URL', () => {
    expect(status()).toMatchObject({
      observedGeneration: 1,
      deploymentName: 'shop-deployment',
      serviceName: 'shop-service',
      replicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      replicasSet: 2,
      selector: 'app=shop,app.kubernetes.io/managed-by=website-reconciler',
      url: 'http://shop-service.team-a.svc',
    });
  });

  it.each([
    [{ host: 'shop.example.com' }, 'http://shop.example.com'],
    [{ host: 'shop.example.com', tlsSecretName: 'tls' }, 'https://shop.example.com'],
    [{ host: '*.example.com' }, undefined],
    [{ host: '*.example.com', hosts: ['shop.example.com'] }, 'http://shop.example.com'],
    [{ hosts: ['a.example.com'], paths: [{ path: '/shop/a' }, { path: '/shop' }] }, 'http://a.example.com/shop'],
    [{ hosts: ['a.example.com'], paths: [{ path: '/shop' }, { path: '/', type: 'Exact' }] }, 'http://a.example.com'],
    [{ hosts: ['a.example.com'], tls: { secretName: 'tls' } }, 'https://a.example.com'],
    [{ hosts: ['a.example.com'], tls: { issuer: { name: 'ca' } } }, 'https://a.example.com'],
  ])('with %j has the URL %s', (spec, url) => {
    expect(status(aWebsite(), { spec }).url).toBe(url);
  });

  it.each([
    [{}, ['Ready=True']],
    [{ rollout: { availableReplicas: 0 } }, ['Ready=False', 'Reconciling=True']],
    [{ obstacles: obstacle('foreign') }, ['Ready=False', 'Stalled=True']],
    [{ spec: { suspend: true } }, ['Ready=True']],
    [{ spec: { suspend: true }, rollout: { availableReplicas: 1 } }, ['Ready=Unknown']],
  ])('for %j has the conditions %j, as kstatus expects', (given, conditions) => {
    expect(types(status(aWebsite(), given))).toEqual(conditions);
  });

  it('states the judged generation in every condition, so that no wait succeeds on a stale one', () => {
    const website = aWebsite({ metadata: { generation: 4 } });
    expect(status(website).conditions).toMatchObject([{ observedGeneration: 4 }]);
  });

  it('changes lastTransitionTime only when a condition changes', () => {
    const old = '2025-12-31T00:00:00Z';
    const ready = { type: 'Ready', status: 'True' as const, lastTransitionTime: old, reason: 'Available', message: '' };
    const before = aWebsite({ status: { conditions: [ready] } });
    expect(status(before).conditions).toMatchObject([{ status: 'True', lastTransitionTime: old }]);
    expect(status(before, { rollout: { availableReplicas: 1 } }).conditions).toMatchObject([
      { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-02T03:04:05Z' },
      { type: 'Reconciling' },
    ]);
  });

  it('times Stalled from the beginning of its reason, and Ready from the first reason on', () => {
    const old = '2025-12-31T00:00:00Z';
    const stalled = (reason: string) =>
      ['Ready=False', 'Stalled=True'].map((text) => {
        const [type, value] = text.split('=') as [string, 'True' | 'False'];
        return { type, status: value, lastTransitionTime: old, reason, message: '' };
      });
    const times = (reason: string) =>
      status(aWebsite({ status: { conditions: stalled(reason) } }), { obstacles: obstacle('foreign') }).conditions?.map(
        ({ lastTransitionTime }) => lastTransitionTime,
      );
    expect(times('NameConflict')).toEqual([old, old]);
    expect(times('Rejected')).toEqual([old, '2026-01-02T03:04:05Z']);
  });

  it('keeps conditions of other writers', () => {
    const theirs = { type: 'Audited', status: 'True' as const, lastTransitionTime: 'x', reason: 'Yes', message: '' };
    expect(types(status(aWebsite({ status: { conditions: [theirs] } })))).toEqual(['Ready=True', 'Audited=True']);
  });

  it('acknowledges a request to reconcile', () => {
    const website = aWebsite({ metadata: { annotations: { [REQUESTED_AT]: 'token-1' } } });
    expect(status(website).lastHandledReconcileAt).toBe('token-1');
  });
});
