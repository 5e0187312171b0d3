import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../functions/cluster/errors.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { around } from '../cluster/around.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { askingFor, OPTIONAL } from '../fixtures/asking.ts';
import { NOW, SPEC } from '../fixtures/websites.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { CHILD_KINDS, type Child, type ChildKind, kindOf } from '../../functions/website/children/kinds.ts';
import { requestsOf, runOnce, type RunName } from '../fixtures/runs.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SERVICE = { ...key, name: 'shop-service' };
let cluster: MemoryCluster;
const run = (name?: RunName) => runOnce(cluster, key, name);
const spend = (work: () => Promise<unknown>) => requestsOf(cluster, work);

beforeEach(() => {
  cluster = new MemoryCluster();
});

describe('P1: a reconcile creates what the spec declares', () => {
  it('for a new Website', async () => {
    cluster.apply(key, SPEC);
    expect((await run()).actions).toEqual(['create Deployment', 'create Service', 'update status']);
    cluster.rollOut();
    expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Available' });
  });

  it.each([
    ['another image', { image: 'nginx:2' }, ['replace Deployment', 'update status']],
    ['no replicas', { replicas: 0 }, ['replace Deployment', 'update status']],
    ['a host', { host: 'a.example.com' }, ['replace Deployment', 'create Ingress', 'update status']],
  ])('after a change to %s', async (_, change, actions) => {
    cluster.apply(key, SPEC);
    await run();
    cluster.rollOut();
    await run();
    cluster.apply(key, { ...SPEC, ...change });
    expect((await run()).actions).toEqual(actions);
  });

  it('after a host was added and removed', async () => {
    cluster.apply(key, { ...SPEC, host: 'a.example.com' });
    await run();
    cluster.apply(key, SPEC);
    await run();
    expect(cluster.children().map(({ kind }) => kind)).toEqual(['Deployment', 'Service']);
  });

  it('after a child was edited or deleted by hand', async () => {
    cluster.apply(key, SPEC);
    await run();
    const [deployment] = cluster.children() as Deployment[];
    if (deployment === undefined) throw new Error('The Deployment is missing');
    cluster.edit(deployment, { spec: { ...deployment.spec, replicas: 9 } });
    cluster.remove('Service', { ...key, name: 'shop-service' });
    await run();
    expect(cluster.children()).toMatchObject([{ kind: 'Deployment', spec: { replicas: 2 } }, { kind: 'Service' }]);
  });
});

describe('P2: a reconcile', () => {
  it.each([
    ['makes 3 reads and no write', SPEC, 3],
    ['with an Ingress makes 4 reads and no write', { ...SPEC, host: 'a.example.com' }, 4],
    ['with a Gateway makes 4 reads and no write', { ...SPEC, ...askingFor('HTTPRoute') }, 4],
  ])('of a settled Website %s', async (_, spec, reads) => {
    cluster.apply(key, spec);
    await run();
    cluster.rollOut();
    await run();
    expect(await spend(() => run())).toEqual({ reads, writes: 0 });
  });

  it('of a new Website takes 4 calls', async () => {
    cluster.apply(key, SPEC);
    expect(await spend(() => run('nothing'))).toEqual({ reads: 1, writes: 3 });
  });

  it('that wrongly expects no children changes nothing', async () => {
    cluster.apply(key, SPEC);
    await run();
    const before = cluster.all();
    await run('nothing');
    expect(cluster.all()).toEqual(before);
  });
});

describe('P3: an old run that continues after a newer one', () => {
  /** Stops the run at its first such write until `resume` is called. */
  function overtaken(verb: 'replace' | 'delete', stopAt: ChildKind) {
    let resume = () => {};
    const meanwhile = new Promise<void>((resolve) => (resume = resolve));
    let stalled = () => {};
    const atWrite = new Promise<void>((resolve) => (stalled = resolve));
    const slow = around(cluster, async (call, proceed) => {
      if (call.verb === verb && call.kind === stopAt) {
        stalled();
        await meanwhile;
      }
      return proceed();
    });
    const result = reconcile(key, { cluster: slow, now: () => NOW });
    return { result, atWrite, resume: () => resume() };
  }
  const images: (string | undefined)[] = [];

  it.each([
    ['wrote another image', 'nginx:3'],
    ['found nothing to write', 'nginx:1.29'],
  ])('does not undo it if the newer run %s', async (_, image) => {
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    const slow = overtaken('replace', 'Deployment');
    await slow.atWrite;
    cluster.apply(key, { ...SPEC, image });
    await run();
    images.length = 0;
    cluster.onWrite = (object) => {
      if (object.kind === 'Deployment') images.push((object as Deployment).spec.template.spec?.containers[0]?.image);
    };
    slow.resume();
    await slow.result;
    expect(images).toEqual([]);
  });

  it('does not undo it if the newer run wrote only the generation of an Ingress', async () => {
    const [old, next] = ['a.example.com', 'b.example.com'].map((host) => ({ ...SPEC, host }));
    cluster.apply(key, old);
    await run();
    cluster.apply(key, next);
    const slow = overtaken('replace', 'Ingress');
    await slow.atWrite;
    cluster.apply(key, old);
    await run();
    const written: string[] = [];
    cluster.onWrite = ({ kind }) => void written.push(kind);
    slow.resume();
    await slow.result;
    expect(written).not.toContain('Ingress');
  });

  it.each(OPTIONAL)('deletes no %s that the newer run desires', async (kind, spec) => {
    cluster.apply(key, spec);
    await run();
    cluster.apply(key, SPEC);
    const slow = overtaken('delete', kind);
    await slow.atWrite;
    cluster.apply(key, spec);
    await run();
    const kept = await cluster.getChild(kind, key);
    slow.resume();
    await slow.result;
    expect(kept).toBeDefined();
    expect(await cluster.getChild(kind, key)).toEqual(kept);
  });
});

it('A run returns the version of each object that it read or wrote last', async () => {
  cluster.apply(key, SPEC);
  const { versions } = await run();
  const [deployment, service] = cluster.children();
  const stored = async () => ({
    Website: (await cluster.getWebsite(key))?.metadata.resourceVersion,
    Deployment: deployment?.metadata.resourceVersion,
    Service: service?.metadata.resourceVersion,
  });
  expect(versions).toEqual(await stored());
  expect((await run()).versions).toEqual(await stored());
});

describe('P10: a kind of child that affects readiness', () => {
  const ingress = kindOf('Ingress');
  beforeEach(() => {
    Object.assign(ingress, {
      readiness: () => ({ state: 'progressing', reason: 'Progressing', message: 'Not routed' }),
    });
  });
  afterEach(() => Reflect.deleteProperty(ingress, 'readiness'));

  it.each(['deployment', 'as-needed', 'everything'] as const)('is judged by a run that reads %s', async (name) => {
    cluster.apply(key, { ...SPEC, host: 'a.example.com' });
    await run();
    cluster.rollOut();
    expect((await run(name)).outcome).toMatchObject({ kind: 'waiting', reason: 'Progressing' });
  });
});

describe('P4: a child of another owner', () => {
  it('is not touched, and the Website is reconciled once it is gone', async () => {
    const foreign = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...key, name: 'shop-deployment' },
      spec: {},
    };
    await cluster.create(foreign as unknown as Parameters<typeof cluster.create>[0]);
    const [before] = cluster.children();
    cluster.apply(key, SPEC);
    expect((await run('nothing')).outcome).toEqual({
      kind: 'stalled',
      reason: 'NameConflict',
      requeueAfterSeconds: 5,
    });
    expect(cluster.children()[0]).toEqual(before);
    cluster.remove('Deployment', { ...key, name: 'shop-deployment' });
    expect((await run()).actions).toContain('create Deployment');
  });

  it('is not adopted by a Website that was deleted after it was read, because the garbage collector would delete it', async () => {
    cluster.apply(key, SPEC);
    await run();
    for (const child of cluster.children())
      cluster.edit(child, { metadata: { ...child.metadata, ownerReferences: [] } });
    const orphans = cluster.children();
    const getWebsite = cluster.getWebsite.bind(cluster);
    cluster.getWebsite = async (where) => {
      const found = await getWebsite(where);
      cluster.drop('Website', key);
      return found;
    };
    expect((await run()).outcome).toEqual({ kind: 'gone' });
    expect(cluster.children()).toEqual(orphans);
  });
});

describe('A Website', () => {
  it('that is deleted or being deleted is left to the garbage collector', async () => {
    expect(await run()).toEqual({ outcome: { kind: 'gone' }, actions: [], repairs: [], versions: {} });
    cluster.apply(key, SPEC, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(await run()).toEqual({ outcome: { kind: 'gone' }, actions: [], repairs: [], versions: {} });
  });

  it('that is suspended keeps its children unchanged, and says so in its status', async () => {
    cluster.apply(key, SPEC);
    await run();
    const before = cluster.children();
    cluster.apply(key, { image: 'nginx:2', replicas: 7, suspend: true });
    expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Suspended' });
    expect(cluster.children()).toEqual(before);
    expect(cluster.websites()[0]?.status).toMatchObject({ observedGeneration: 2, conditions: [{ status: 'Unknown' }] });
  });

  describe('that is suspended', () => {
    const ready = () => {
      const [condition] = cluster.websites()[0]?.status?.conditions ?? [];
      return `${condition?.status} ${condition?.reason}: ${condition?.message}`;
    };
    const SUSPENDED = 'Suspended: spec.suspend is true, so the children are left as they are:';
    const suspend = async (spec: object) => {
      cluster.apply(key, { ...spec, suspend: true });
      return run();
    };
    beforeEach(async () => {
      cluster.apply(key, SPEC);
      await run();
      cluster.rollOut();
      await run();
    });

    it('stays ready while its children match the spec, and no longer after somebody changes them', async () => {
      expect((await suspend(SPEC)).actions).toEqual(['update status']);
      expect(ready()).toBe(`True ${SUSPENDED} 2 replicas are available`);
      const [deployment] = cluster.children() as Deployment[];
      if (deployment === undefined) throw new Error('The Deployment is missing');
      cluster.edit(deployment, { spec: { ...deployment.spec, replicas: 5 } });
      expect((await run('deployment')).actions).toEqual(['update status']);
      expect(ready()).toBe(`Unknown ${SUSPENDED} Deployment differs from the spec (spec.replicas)`);
      expect(cluster.websites()[0]?.status).toMatchObject({ replicasSet: 5 });
      cluster.remove('Deployment', deployment.metadata);
      await run();
      expect(ready()).toBe(`Unknown ${SUSPENDED} Deployment is missing`);
    });

    it('names every child that differs or is missing, and no annotation that only the functions use', async () => {
      cluster.apply(key, { image: 'nginx:1', replicas: 2 });
      await run();
      await suspend({ image: 'nginx:2', replicas: 1, host: 'a.example.com' });
      const image = 'spec.replicas, spec.template.spec.containers[0].image';
      const differs = `PodDisruptionBudget is no longer wanted. Deployment differs from the spec (${image})`;
      expect(ready()).toBe(`Unknown ${SUSPENDED} ${differs}. Ingress is missing`);
      cluster.remove('Service', SERVICE);
      await run();
      expect(ready()).toBe(`Unknown ${SUSPENDED} ${differs}. Service is missing. Ingress is missing`);
      expect((await run()).actions).toEqual([]);
      expect((await run('everything')).actions).toEqual([]);
    });

    it('names the missing children of one without any', async () => {
      for (const { kind, metadata } of cluster.children()) cluster.remove(kind, metadata);
      await suspend({ image: 'nginx:1', replicas: 2 });
      const all = ['Deployment', 'Service', 'PodDisruptionBudget'].map((kind) => `${kind} is missing`);
      expect(ready()).toBe(`Unknown ${SUSPENDED} ${all.join('. ')}`);
    });

    it('says the same of a child that nobody lists, whatever the run reads first', async () => {
      await suspend({ ...SPEC, host: 'a.example.com' });
      const foreign = { apiVersion: 'v1', kind: 'Ingress', metadata: { ...key, name: 'shop-ingress' }, spec: {} };
      await cluster.create(foreign as unknown as Parameters<typeof cluster.create>[0]);
      await run('everything');
      expect(ready()).toContain('Ingress shop-ingress exists but does not belong to this Website');
      expect(ready()).not.toContain('is missing');
      for (const name of ['as-needed', 'spec', 'deployment'] as const) expect((await run(name)).actions).toEqual([]);
    });

    it('names what differs beside what is in the way, and no right that a suspended Website does not need', async () => {
      await suspend({ ...SPEC, host: 'a.example.com' });
      const foreign = { apiVersion: 'v1', kind: 'Ingress', metadata: { ...key, name: 'shop-ingress' }, spec: {} };
      await cluster.create(foreign as unknown as Parameters<typeof cluster.create>[0]);
      const service = await cluster.getChild('Service', key);
      if (service === undefined) throw new Error('The Service is missing');
      cluster.edit(service, { metadata: { ...service.metadata, ownerReferences: [] } });
      await run();
      expect(ready()).toContain('Ingress shop-ingress exists but does not belong to this Website');
      expect(ready()).toMatch(/\. Service differs from the spec \(metadata\.ownerReferences\)$/);
      expect(ready()).not.toContain('have no right');
    });

    it('with a new host is not ready and has no URL', async () => {
      await suspend({ ...SPEC, host: 'a.example.com' });
      expect(ready()).toBe(`Unknown ${SUSPENDED} Ingress is missing`);
      expect(cluster.websites()[0]?.status).not.toHaveProperty('url');
    });

    it('P2: costs 3 reads and no write', async () => {
      await suspend(SPEC);
      expect(await spend(() => run())).toEqual({ reads: 3, writes: 0 });
    });

    it('has its children judged even by a run that expects no children', async () => {
      cluster.apply(key, { ...SPEC, suspend: true });
      await run('nothing');
      expect(ready()).toBe(`True ${SUSPENDED} 2 replicas are available`);
    });
  });

  it('with an invalid spec is stalled, its condition names the field, and no child is created', async () => {
    cluster.apply(key, { image: 'nginx\n  evil: true', replicas: 1 });
    expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'InvalidSpec' });
    expect(cluster.children()).toEqual([]);
    expect(cluster.websites()[0]?.status?.conditions?.[0]?.message).toContain('spec.image: must be an image reference');
    expect((await run()).actions).toEqual([]);
  });

  it('without a spec is stalled', async () => {
    cluster.apply(key, undefined);
    expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'InvalidSpec' });
  });
});

describe('A failing call', () => {
  const failing = (code: ErrorCode, method: 'create' | 'replace' | 'updateStatus' | 'getWebsite', times = Infinity) => {
    const original = cluster[method].bind(cluster) as (argument: never) => Promise<never>;
    let failed = 0;
    cluster[method] = async (argument: never) => {
      if (failed++ < times) throw new ClusterError(code, `${code} here`);
      return original(argument);
    };
  };

  it.each(['Invalid', 'QuotaExceeded', 'PolicyDenied'] as const)(
    'with the permanent error %s is shown in the status, and tried again within a minute',
    async (code) => {
      cluster.apply(key, SPEC);
      failing(code, 'create');
      const reason = code === 'QuotaExceeded' ? code : 'Rejected';
      expect((await run()).outcome).toEqual({ kind: 'stalled', reason, requeueAfterSeconds: 30 });
      expect(cluster.websites()[0]?.status?.conditions?.[0]).toMatchObject({ reason, message: `${code} here` });
    },
  );

  it.each(['Forbidden', 'Unauthorized', 'TooManyRequests', 'Timeout', 'Unavailable', 'Unreachable'] as const)(
    'with the transient error %s fails the run, so that the sender tries again',
    async (code) => {
      cluster.apply(key, SPEC);
      failing(code, 'create');
      await expect(run()).rejects.toMatchObject({ code });
    },
  );

  it('that lost a race leads to another read', async () => {
    cluster.apply(key, SPEC);
    failing('Conflict', 'updateStatus', 2);
    expect((await run()).actions).toEqual(['create Deployment', 'create Service', 'update status']);
  });

  it('that always loses its race fails the run after a limited number of attempts', async () => {
    cluster.apply(key, SPEC);
    failing('Conflict', 'updateStatus');
    const { reads } = await spend(() => expect(run()).rejects.toMatchObject({ code: 'Conflict' }));
    expect(reads).toBeLessThanOrEqual(5 * (CHILD_KINDS.length + 1));
  });

  it('in a namespace that is being deleted ends the run without an error', async () => {
    cluster.apply(key, SPEC);
    failing('NamespaceTerminating', 'create');
    expect((await run()).outcome).toEqual({ kind: 'gone' });
  });
});

describe('status.url', () => {
  const url = () => cluster.websites()[0]?.status?.url;
  const refuse = (kind: Child['kind']) => {
    const create = cluster.create.bind(cluster);
    cluster.create = async (child) => {
      if (child.kind === kind) throw new ClusterError('Invalid', 'must be a DNS name, not an IP address');
      return create(child);
    };
    return () => (cluster.create = create);
  };
  const HOST = { ...SPEC, host: 'a.example.com' };

  it.each<[string, 'Service' | 'Ingress', object, string]>([
    ['Ingress', 'Ingress', HOST, 'http://a.example.com'],
    ['Ingress with a certificate', 'Ingress', { ...HOST, tlsSecretName: 'tls' }, 'https://a.example.com'],
    ['Service', 'Service', SPEC, 'http://shop-service.team-a.svc'],
    ['Service behind an Ingress', 'Service', HOST, 'http://a.example.com'],
  ])('is absent while the %s is refused', async (_, kind, spec, expected) => {
    const grant = refuse(kind);
    cluster.apply(key, spec);
    await run();
    expect(url()).toBeUndefined();
    grant();
    await run();
    expect(url()).toBe(expected);
    for (const reads of ['deployment', 'spec', 'everything'] as const) {
      await run(reads);
      expect(url()).toBe(expected);
    }
  });

  it('is absent while a foreign Ingress has the name, even if the Deployment is foreign too', async () => {
    for (const kind of ['Ingress', 'Deployment'] as const) {
      const foreign = { apiVersion: 'v1', kind, metadata: { ...key, name: `shop-${kind.toLowerCase()}` }, spec: {} };
      await cluster.create(foreign as unknown as Parameters<typeof cluster.create>[0]);
      cluster.apply(key, HOST);
      await run();
      expect(url()).toBeUndefined();
      cluster.remove(kind, foreign.metadata);
      await run();
      expect(url()).toBe('http://a.example.com');
      cluster.remove('Website', key);
    }
  });
});

describe('A Kubernetes Event', () => {
  const announced = () => cluster.announced.splice(0).map(({ type, reason }) => `${type} ${reason}`);

  it('reports every change of the Ready reason once, and nothing else', async () => {
    cluster.apply(key, SPEC);
    await run();
    expect(announced()).toEqual([]);
    cluster.rollOut();
    await run();
    await run();
    expect(announced()).toEqual(['Normal Available']);
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    await run();
    expect(announced()).toEqual(['Normal Progressing']);
    cluster.apply(key, { ...SPEC, image: 'not an image' });
    await run();
    await run();
    expect(announced()).toEqual(['Warning InvalidSpec']);
    cluster.apply(key, { ...SPEC, suspend: true });
    await run();
    expect(announced()).toEqual(['Normal Suspended']);
  });

  it('does not report a change that keeps the reason', async () => {
    cluster.apply(key, { ...SPEC, replicas: 3 });
    await run();
    for (const availableReplicas of [1, 2]) {
      const deployment = cluster.children().find((child): child is Deployment => child.kind === 'Deployment');
      if (deployment === undefined) throw new Error('There is no Deployment');
      cluster.edit(deployment, { status: { observedGeneration: 1, replicas: 3, availableReplicas } });
      expect((await run()).actions).toEqual(['update status']);
    }
    expect(announced()).toEqual([]);
  });

  it('reports a restored child once in a while, and each run returns the repair', async () => {
    cluster.apply(key, SPEC);
    await run();
    for (let i = 0; i < 2; i++) {
      const found = await cluster.getChild('Deployment', key);
      if (found === undefined) throw new Error('There is no Deployment');
      cluster.edit(found, { spec: { ...found.spec, replicas: 9 } });
      expect((await run()).repairs).toMatchObject([{ kind: 'Deployment', fields: ['spec.replicas'] }]);
    }
    const [{ note } = {}, ...others] = cluster.announced;
    expect(note).toBe('Reverted a change of Deployment shop-deployment: spec.replicas from 9 to 2');
    expect(others).toEqual([]);
    expect((await run()).repairs).toEqual([]);
  });

  it('reports each restored child, even if another write loses a race', async () => {
    cluster.apply(key, SPEC);
    await run();
    const [deployment, service] = [await cluster.getChild('Deployment', key), await cluster.getChild('Service', key)];
    if (deployment === undefined || service === undefined) throw new Error('A child is missing');
    cluster.edit(deployment, { spec: { ...deployment.spec, replicas: 9 } });
    cluster.edit(service, { spec: { ...service.spec, type: 'NodePort' } });
    const replace = cluster.replace.bind(cluster);
    cluster.replace = async (child) => {
      if (child.kind !== 'Deployment') return replace(child);
      cluster.replace = replace;
      throw new ClusterError('Conflict', 'changed meanwhile');
    };
    const { repairs, actions } = await run();
    expect(repairs.map(({ kind }) => kind)).toEqual(['Service', 'Deployment']);
    expect(actions).toEqual(['replace Service', 'replace Deployment']);
    expect(announced()).toEqual(['Normal Repaired', 'Normal Repaired']);
  });

  it('does not report a repair that the API server refused', async () => {
    cluster.apply(key, SPEC);
    await run();
    const found = await cluster.getChild('Deployment', key);
    if (found === undefined) throw new Error('There is no Deployment');
    cluster.edit(found, { spec: { ...found.spec, replicas: 9 } });
    cluster.replace = () => Promise.reject(new ClusterError('Invalid', 'no'));
    expect(await run()).toMatchObject({ outcome: { reason: 'Rejected' }, repairs: [] });
    expect(announced()).toEqual(['Warning Rejected']);
  });

  it('reports a Website whose spec is invalid from the start', async () => {
    cluster.apply(key, { replicas: 1 });
    await run();
    expect(announced()).toEqual(['Warning InvalidSpec']);
  });
});
