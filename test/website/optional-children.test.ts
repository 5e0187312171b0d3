// Children that a Website may have or not.
import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { OPTIONAL } from '../fixtures/asking.ts';
import { SPEC } from '../fixtures/websites.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { CHILD_KINDS, type ChildKind } from '../../functions/website/children/kinds.ts';
import { childName } from '../../functions/website/children/metadata.ts';
import { requestsOf, runOnce, type RunName } from '../fixtures/runs.ts';

const key = { namespace: 'team-a', name: 'shop' };
let cluster: MemoryCluster;
const run = (name?: RunName) => runOnce(cluster, key, name);
const spend = (work: () => Promise<unknown>) => requestsOf(cluster, work);

beforeEach(() => {
  cluster = new MemoryCluster();
});

describe('An optional child', () => {
  const remove = (kind: ChildKind) => cluster.remove(kind, { ...key, name: childName(kind, key.name) });

  it.each(OPTIONAL)('of kind %s is the only one that its spec desires', async (kind, spec) => {
    cluster.apply(key, spec);
    await run();
    expect(cluster.children().map((child) => child.kind)).toEqual(['Deployment', 'Service', kind]);
  });

  it.each(OPTIONAL)(
    'of kind %s is recreated, and then the status is written even if it does not change',
    async (kind, spec) => {
      cluster.apply(key, { ...spec, replicas: 3 });
      await run();
      cluster.apply(key, spec);
      await run();
      remove(kind);
      // If a newer run does not desire the child, the API server refuses this status write, and the run deletes the child.
      const { reads, writes } = await spend(async () =>
        expect((await run('everything')).actions).toEqual([`create ${kind}`]),
      );
      expect({ reads, writes }).toEqual({ reads: CHILD_KINDS.length + 1, writes: 2 });
    },
  );

  it.each(OPTIONAL)('of kind %s that the Deployment does not list is found after a lost race', async (kind, spec) => {
    cluster.apply(key, spec);
    await run();
    const late = await cluster.getChild(kind, key);
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    const replace = cluster.replace.bind(cluster);
    cluster.replace = async () => {
      cluster.replace = replace;
      await cluster.create(late as Parameters<typeof cluster.create>[0]);
      throw new ClusterError('Conflict', 'changed meanwhile');
    };
    expect((await run()).actions).toContain(`delete ${kind}`);
  });

  it.each(OPTIONAL)('of kind %s that a deleted Website left is deleted at the first attempt', async (kind, spec) => {
    cluster.apply(key, spec);
    await run();
    cluster.drop('Website', key);
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    cluster.apply(key, SPEC);
    const { reads } = await spend(async () =>
      expect((await run()).actions.slice(0, 2)).toEqual([`replace ${kind}`, `delete ${kind}`]),
    );
    expect(reads).toBe(4);
  });
});

it('No Ingress is created before the Deployment lists it, even if the API server refuses the Deployment', async () => {
  cluster.apply(key, SPEC);
  await run();
  const replace = cluster.replace.bind(cluster);
  cluster.replace = async (child) => {
    if (child.kind === 'Deployment') throw new ClusterError('Invalid', 'must be less than or equal to cpu limit');
    return replace(child);
  };
  cluster.apply(key, { ...SPEC, host: 'a.example.com' });
  expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'Rejected' });
  cluster.replace = replace;
  cluster.apply(key, SPEC);
  await run();
  expect(await cluster.getChild('Ingress', key)).toBeUndefined();
});

it.each(OPTIONAL)('No %s is created while the Deployment cannot be created', async (kind, spec) => {
  const create = cluster.create.bind(cluster);
  cluster.create = async (child) => {
    if (child.kind === 'Deployment') throw new ClusterError('QuotaExceeded', 'exceeded quota');
    return create(child);
  };
  cluster.apply(key, spec);
  expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'QuotaExceeded' });
  expect(await cluster.getChild(kind, key)).toBeUndefined();
});

it('An Ingress that cannot be deleted to be recreated stays, and the Website is Rejected', async () => {
  cluster.apply(key, { ...SPEC, host: 'a.example.com', ingressClassName: 'nginx' });
  await run();
  cluster.delete = () => Promise.reject(new ClusterError('Invalid', 'not here'));
  cluster.apply(key, { ...SPEC, host: 'a.example.com' });
  expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'Rejected' });
  expect(await cluster.getChild('Ingress', key)).toMatchObject({ spec: { ingressClassName: 'nginx' } });
  expect((await run()).actions).toEqual([]);
});

describe('The Ingress is deleted when the host leaves the spec, even if', () => {
  const HOST = { ...SPEC, host: 'a.example.com' };
  const theirs = { labels: {}, annotations: {} };
  const another = { apiVersion: 'example.com/v1', kind: 'Rollout', name: 'shop', uid: 'r', controller: true };
  async function takeAway(ownerReferences: readonly object[] = []): Promise<void> {
    const { resourceVersion: _, uid: __, ...metadata } = (await deployment()).metadata;
    cluster.remove('Deployment', metadata);
    await cluster.create({
      ...(await desiredDeployment()),
      metadata: { ...metadata, ...theirs, ownerReferences },
    } as never);
  }
  const deployment = async () => (await cluster.getChild('Deployment', key)) as Deployment;
  const desiredDeployment = async () => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    spec: { replicas: 1, selector: {} },
  });

  it.each([
    ['somebody', []],
    ['another controller', [another]],
  ])('%s replaced our Deployment', async (_, ownerReferences) => {
    cluster.apply(key, HOST);
    await run();
    await takeAway(ownerReferences);
    cluster.apply(key, SPEC);
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
    expect(await cluster.getChild('Ingress', key)).toBeUndefined();
  });

  it('somebody deleted the Deployment', async () => {
    cluster.apply(key, HOST);
    await run();
    cluster.remove('Deployment', (await deployment()).metadata);
    cluster.apply(key, SPEC);
    await run();
    expect(await cluster.getChild('Ingress', key)).toBeUndefined();
  });

  it('somebody replaced our Deployment before the host was added', async () => {
    cluster.apply(key, SPEC);
    await run();
    await takeAway();
    cluster.apply(key, HOST);
    await run();
    cluster.apply(key, SPEC);
    await run();
    expect(await cluster.getChild('Ingress', key)).toBeUndefined();
  });

  it('the Deployment has another selector, which cannot be changed', async () => {
    cluster.apply(key, SPEC);
    await run();
    const found = await deployment();
    cluster.edit(found, { spec: { ...found.spec, selector: { matchLabels: { app: 'other' } } } });
    cluster.apply(key, HOST);
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'ImmutableSelector' });
    cluster.apply(key, SPEC);
    await run();
    expect(await cluster.getChild('Ingress', key)).toBeUndefined();
  });
});
