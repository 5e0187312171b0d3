// The message of a Website of which the API server refuses several children.
import { beforeEach, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import type { ChildKind } from '../../../functions/website/children/kinds.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { around } from '../../cluster/around.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const now = () => NOW;
/** The answers to writes of a child, and in which order they arrive. */
let answers: Map<ChildKind, { readonly code: ErrorCode; readonly message: string; readonly turns: number }>;
let cluster: MemoryCluster;
beforeEach(() => {
  cluster = new MemoryCluster();
  answers = new Map();
});

const refusing = () =>
  around(cluster, async ({ verb, kind }, proceed) => {
    const answer = verb === 'create' && kind !== 'Website' ? answers.get(kind) : undefined;
    if (answer === undefined) return proceed();
    for (let turn = 0; turn < answer.turns; turn++) await Promise.resolve();
    throw new ClusterError(answer.code, answer.message);
  });
const run = () => reconcile(key, { cluster: refusing(), now });
const ready = () => cluster.websites()[0]?.status?.conditions?.find(({ type }) => type === 'Ready');

it('The message names each of them with its reason, and stays as it is', async () => {
  cluster.apply(key, SPEC);
  const [deployment, service] = ['deployments "shop" denied: no label', 'services "shop" denied: no port'];
  answers.set('Deployment', { code: 'PolicyDenied', message: deployment, turns: 9 });
  answers.set('Service', { code: 'Invalid', message: service, turns: 0 });
  await run();
  expect(ready()).toMatchObject({ reason: 'Rejected', message: `${deployment}. ${service}` });

  const { writes } = cluster;
  answers.set('Deployment', { code: 'PolicyDenied', message: deployment, turns: 0 });
  answers.set('Service', { code: 'Invalid', message: service, turns: 9 });
  await run();
  expect(cluster.writes).toBe(writes);
});

it('The message says once what is the same for all', async () => {
  cluster.apply(key, SPEC);
  for (const kind of ['Deployment', 'Service'] as const)
    answers.set(kind, { code: 'PolicyDenied', message: 'not here', turns: 0 });
  await run();
  expect(ready()?.message).toBe('not here');
});

it('A long refusal leaves room for the others', async () => {
  cluster.apply(key, SPEC);
  answers.set('Deployment', { code: 'PolicyDenied', message: `deployments: ${'ä'.repeat(2_000)}`, turns: 0 });
  answers.set('Service', { code: 'QuotaExceeded', message: 'services: exceeded quota', turns: 0 });
  await run();
  const { message = '' } = ready() ?? {};
  expect(message).toMatch(/^deployments: ä+…\. services: exceeded quota$/);
  expect(Buffer.byteLength(message)).toBeLessThan(2_048);
});
