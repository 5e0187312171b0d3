// How a Website reports objects that block it, and what happens later.
import { beforeEach, expect, it } from 'vitest';
import type { Cluster } from '../../../functions/cluster/cluster.ts';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';
import type { Child } from '../../../functions/website/children/kinds.ts';
import { CHILD_KINDS } from '../../../functions/website/children/kinds.ts';

const key = { namespace: 'team-a', name: 'shop' };
let cluster: MemoryCluster;
let minutes: number;
const now = () => new Date(NOW.getTime() + minutes * 60_000);
const run = (through: Cluster = cluster) => reconcile(key, { cluster: through, now });
const conditions = () => (cluster.websites()[0] as Website).status?.conditions ?? [];
const message = () => conditions()[0]?.message;
/** Edits the metadata of every child. */
function edit(change: (child: Child) => object): void {
  for (const child of cluster.children()) {
    const metadata = { ...child.metadata, ...change(child) } as Child['metadata'];
    cluster.edit<Child>(child, { metadata });
  }
}
/** A cluster with OwnerReferencesPermissionEnforcement, without the right to delete. */
function enforcing(kinds: readonly string[] = CHILD_KINDS): Cluster {
  const denied = async (child: Child): Promise<Child> => {
    if (!kinds.includes(child.kind)) return cluster.replace(child);
    throw new ClusterError('OwnershipDenied', "cannot set an ownerRef on a resource you can't delete");
  };
  return new Proxy<Cluster>(cluster, {
    get: (target, name) => {
      const value: unknown = name === 'replace' ? denied : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

beforeEach(async () => {
  [cluster, minutes] = [new MemoryCluster(), 0];
  cluster.apply(key, SPEC);
  await run();
  cluster.rollOut();
  await run();
});

it('The message names every foreign object at once, and says what to do', async () => {
  edit(() => ({ ownerReferences: [], labels: {} }));
  expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'NameConflict', requeueAfterSeconds: 5 });
  expect(message()).toBe(
    'Deployment shop-deployment and Service shop-service exist but do not belong to this Website: delete or rename them, or make this Website the owner (docs/status.md says how)',
  );
});

it.each([
  [0, 5],
  [1, 15],
  [3, 45],
  [600, 60],
])(
  'After %d minutes, a foreign object without events is checked again after %d s',
  async (age, requeueAfterSeconds) => {
    edit(() => ({ ownerReferences: [], labels: {} }));
    await run();
    minutes = age;
    expect(await run()).toMatchObject({ actions: [], outcome: { requeueAfterSeconds } });
  },
);

it('A left-over child that may not be taken over is waited for, and the Website is stalled after minutes', async () => {
  cluster.drop('Website', key);
  cluster.apply(key, SPEC);
  const denied = enforcing();
  expect((await run(denied)).outcome).toEqual({
    kind: 'waiting',
    reason: 'WaitingForDeletion',
    requeueAfterSeconds: 5,
  });
  expect(message()).toBe(
    'Deployment shop-deployment and Service shop-service exist, left by a deleted Website of this name (uid uid 1 of Website/team-a/shop). Waiting for the garbage collector to delete them',
  );
  minutes = 4;
  expect(await run(denied)).toMatchObject({ actions: [], outcome: { kind: 'waiting', requeueAfterSeconds: 60 } });
  minutes = 6;
  expect(await run(denied)).toMatchObject({ actions: ['update status'], outcome: { kind: 'stalled' } });
  expect(conditions().map(({ type, reason }) => [type, reason])).toEqual([
    ['Ready', 'WaitingForDeletion'],
    ['Stalled', 'WaitingForDeletion'],
  ]);
  expect(message()).toMatch(
    /has not deleted them after 5 minutes\. Delete them yourself, or restart kube-controller-manager$/,
  );
  minutes = 60;
  expect(await run(denied)).toMatchObject({ actions: [], outcome: { kind: 'stalled', requeueAfterSeconds: 60 } });
  cluster.collectGarbage();
  expect((await run(denied)).actions).toContain('create Deployment');
});

it('The message about a child that is being deleted names its finalizers, and the Website waits without limit', async () => {
  edit(({ kind }) => (kind === 'Service' ? { deletionTimestamp: 'now', finalizers: ['example.com/hold'] } : {}));
  await run();
  minutes = 60;
  expect(await run()).toMatchObject({ outcome: { kind: 'waiting', reason: 'WaitingForDeletion' } });
  expect(message()).toBe('Service shop-service is being deleted and waits for its finalizers: example.com/hold');
});

it('An orphan that may not be adopted is reported as a conflict', async () => {
  edit(() => ({ ownerReferences: [] }));
  expect((await run(enforcing())).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
  expect(message()).toMatch(
    /^Deployment shop-deployment and Service shop-service exist without an owner, and the functions have no right to adopt them: /,
  );
  expect(await run()).toMatchObject({
    outcome: { kind: 'settled' },
    actions: ['replace Deployment', 'replace Service', 'update status'],
  });
});

it('No Ingress is created while a left-over Deployment may not be taken over, although it lists one', async () => {
  cluster.apply(key, { ...SPEC, host: 'shop.example.com' });
  await run();
  cluster.remove('Ingress', { ...key, name: 'shop-ingress' });
  cluster.drop('Website', key);
  cluster.apply(key, { ...SPEC, host: 'shop.example.com' });
  expect((await run(enforcing(['Deployment']))).outcome).toMatchObject({ reason: 'WaitingForDeletion' });
  expect(await cluster.getChild('Ingress', key)).toBeUndefined();
  expect((await run()).actions).toContain('create Ingress');
});

it('The Deployment is written once a left-over Ingress that may not be taken over is gone', async () => {
  cluster.apply(key, { ...SPEC, host: 'shop.example.com' });
  await run();
  edit(({ kind, metadata: { ownerReferences = [] } }) =>
    kind === 'Ingress' ? { ownerReferences: ownerReferences.map((owner) => ({ ...owner, uid: 'another' })) } : {},
  );
  cluster.apply(key, SPEC);
  expect((await run(enforcing(['Ingress']))).outcome).toMatchObject({ reason: 'WaitingForDeletion' });
  cluster.collectGarbage();
  expect((await run()).actions).toContain('replace Deployment');
  cluster.rollOut();
  expect((await run()).outcome).toMatchObject({ kind: 'settled' });
});
