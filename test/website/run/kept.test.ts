// A copy of a Deployment from an earlier run only ever saves a read: P3, P4, P10.
import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Children } from '../../../functions/website/children/kinds.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import { SCOPES } from '../../../functions/website/run/scope.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const OLD = { image: 'nginx:1', replicas: 2, disruptionBudget: 'None' };
const NEW = { ...OLD, image: 'nginx:2' };
/** A forged or repeated event names any version of the Website, or none. */
const EVENTS = [{ since: '1' }, { since: undefined }];

let cluster: MemoryCluster;
let read: string[];
let kept: Children;

async function start(spec: object): Promise<void> {
  cluster = new MemoryCluster();
  cluster.apply(key, spec);
  for (const _ of [1, 2]) {
    await reconcile(key, { cluster, now: () => NOW });
    cluster.rollOut();
  }
  await reconcile(key, { cluster, now: () => NOW });
  kept = { Deployment: await cluster.getChild('Deployment', key) };
  read = [];
  const getChild = cluster.getChild.bind(cluster);
  cluster.getChild = async (kind, where) => {
    read.push(kind);
    return getChild(kind, where);
  };
}
const run = (given: object) => reconcile(key, { cluster, now: () => NOW }, { scope: SCOPES.spec, kept, ...given });
const deployment = () => cluster.children().find((child): child is Deployment => child.kind === 'Deployment');
const status = () => cluster.websites()[0]?.status;
/** As the Deployment controller does when a Pod fails. */
function failOnePod(): void {
  const live = deployment();
  if (live !== undefined) cluster.edit(live, { status: { ...live.status, readyReplicas: 1, availableReplicas: 1 } });
}

describe.each(EVENTS)('With an event of version $since, a copy', (event) => {
  beforeEach(() => start(OLD));

  it('takes the place of a read when the spec is new', async () => {
    cluster.apply(key, NEW);
    expect(await run(event)).toMatchObject({ actions: ['replace Deployment', 'update status'] });
    expect(read).toEqual([]);
  });

  it('is no reason to report anything: without a write, the run reads', async () => {
    failOnePod();
    expect(status()).toMatchObject({ readyReplicas: 2 });
    await run(event);
    expect(status()).toMatchObject({ readyReplicas: 1 });
    expect(read).toContain('Deployment');
  });

  it('that is outdated is refused, and the status describes what was read then', async () => {
    cluster.apply(key, NEW);
    failOnePod();
    // The first status goes with the write that is refused.
    expect(await run(event)).toMatchObject({ actions: ['update status', 'replace Deployment', 'update status'] });
    expect(status()).toMatchObject({ readyReplicas: 1, observedGeneration: 2 });
  });

  it('does not describe a Deployment whose write a policy refuses', async () => {
    cluster.apply(key, NEW);
    failOnePod();
    cluster.replace = async () => {
      throw new ClusterError('Invalid', 'no such image');
    };
    await run(event);
    expect(status()).toMatchObject({ readyReplicas: 1 });
    expect(status()?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', reason: 'Rejected' }));
  });

  it('leads to no write while the Website is suspended', async () => {
    cluster.apply(key, { ...NEW, suspend: true });
    const live = deployment();
    if (live !== undefined) cluster.edit(live, { spec: { ...live.spec, replicas: 7 } });
    expect(await run(event)).toMatchObject({ actions: ['update status'] });
    expect(deployment()).toMatchObject({ spec: { replicas: 7 } });
    expect(read).toContain('Deployment');
  });

  it('of the Deployment of a deleted Website is not taken over', async () => {
    cluster.drop('Website', key);
    cluster.apply(key, NEW);
    const { actions } = await run(event);
    expect(actions).toContain('replace Deployment');
    expect(read).toContain('Deployment');
  });
});

describe('Nothing is written before the Deployment, on the strength of a copy:', () => {
  it('no replicas of a Website', async () => {
    await start(OLD);
    const live = deployment();
    if (live !== undefined) cluster.edit(live, { spec: { ...live.spec, replicas: 5 } });
    cluster.apply(key, { image: 'nginx:1', autoscaling: { external: true }, disruptionBudget: 'None' });
    await run({});
    expect(cluster.websites()[0]?.spec).toMatchObject({ replicas: 5 });
  });

  it('no Service, not even at the same time', async () => {
    await start(OLD);
    cluster.remove('Service', { ...key, name: 'shop-service' });
    cluster.apply(key, NEW);
    const { actions } = await run({ scope: SCOPES.asNeeded });
    expect(actions).toEqual(expect.arrayContaining(['replace Deployment', 'create Service']));
    expect(read).toContain('Deployment');
  });

  it('no deletion of an Ingress', async () => {
    await start({ ...OLD, host: 'shop.example.com' });
    cluster.apply(key, OLD);
    const remove = cluster.delete.bind(cluster);
    cluster.delete = async (child) => {
      expect(read, 'before the deletion').toContain('Deployment');
      return remove(child);
    };
    expect((await run({ since: '1' })).actions).toContain('delete Ingress');
  });
});

describe('Of a Deployment that is gone, as the event says, a run', () => {
  const gone = { scope: SCOPES.carrier, kept: { Deployment: undefined } };
  const remove = (kind: 'Deployment' | 'Service') =>
    cluster.remove(kind, { ...key, name: `shop-${kind.toLowerCase()}` });
  const reads = () => read.filter((kind) => kind === 'Deployment').length;
  beforeEach(() => start(OLD));

  it('reads nothing before it creates it', async () => {
    remove('Deployment');
    expect((await run(gone)).actions).toEqual(['create Deployment', 'update status']);
    expect(reads()).toBe(0);
    expect(deployment()).toMatchObject({ spec: { replicas: 2 } });
  });

  it('changes nothing if it exists, and reads it', async () => {
    const before = deployment();
    expect((await run(gone)).actions).toEqual([]);
    expect(deployment()).toEqual(before);
    expect(reads()).toBeGreaterThan(0);
  });

  it('reads it if the Website is suspended', async () => {
    cluster.apply(key, { ...OLD, suspend: true });
    expect((await run(gone)).actions).toEqual(['update status']);
    expect(status()).toMatchObject({ readyReplicas: 2 });
    expect(reads()).toBeGreaterThan(0);
  });

  it('reads it if its creation is refused', async () => {
    remove('Deployment');
    cluster.create = async () => {
      throw new ClusterError('QuotaExceeded', 'no room');
    };
    await run(gone);
    expect(status()?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', reason: 'QuotaExceeded' }));
    expect(reads()).toBeGreaterThan(0);
  });

  it('reads it before it writes anything beside it', async () => {
    remove('Deployment');
    remove('Service');
    expect((await run({ ...gone, scope: SCOPES.asNeeded })).actions).toEqual(
      expect.arrayContaining(['create Deployment', 'create Service']),
    );
    expect(reads()).toBeGreaterThan(0);
  });

  it('creates none if the Website is deleted', async () => {
    cluster.drop('Website', key);
    remove('Deployment');
    expect(await run(gone)).toMatchObject({ outcome: { kind: 'gone' }, actions: [] });
    expect(deployment()).toBeUndefined();
  });
});
