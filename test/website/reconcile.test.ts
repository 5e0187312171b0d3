import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../functions/cluster/errors.ts';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { REQUESTED_AT } from '../../functions/website/resource.ts';
import { around } from '../cluster/around.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { askingFor, OPTIONAL } from '../fixtures/asking.ts';
import { NOW, SPEC } from '../fixtures/websites.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { CHILD_KINDS, type Child, type ChildKind, kindOf } from '../../functions/website/children/kinds.ts';
import { childName, GENERATION } from '../../functions/website/children/metadata.ts';
import { RUNS, type RunName } from '../fixtures/runs.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SERVICE = { ...key, name: 'shop-service' };
let cluster: MemoryCluster;
const run = (name: RunName = 'as-needed') => reconcile(key, { cluster, now: () => NOW }, RUNS[name]);
const spend = async (work: () => Promise<unknown>) => {
  const before = { reads: cluster.reads, writes: cluster.writes };
  await work();
  return { reads: cluster.reads - before.reads, writes: cluster.writes - before.writes };
};

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

describe('P3: a Website from a cache', () => {
  /** A cluster whose cache always returns the present Website. The given calls replace others. */
  function behind(calls: Partial<Cluster> = {}): Cluster {
    const [seen] = cluster.websites();
    const lagging: Partial<Cluster> = {
      getWebsite: async (where, since) => (since === undefined ? cluster.getWebsite(where) : seen),
      ...calls,
    };
    return new Proxy(cluster, {
      get: (target, name) => {
        const value: unknown = Reflect.get(lagging, name) ?? Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
  const runSince = (lagging: Cluster, name: RunName = 'as-needed') =>
    reconcile(key, { cluster: lagging, now: () => NOW }, { ...RUNS[name], since: '1' });
  const deployment = () => cluster.children()[0] as Deployment;
  const image = () => deployment().spec.template.spec?.containers[0]?.image;
  const NEXT = { ...SPEC, image: 'nginx:2' };

  it('suffices if there are no children yet: the run then detects a newer spec', async () => {
    cluster.apply(key, SPEC);
    const lagging = behind();
    cluster.apply(key, NEXT);
    const { actions } = await runSince(lagging, 'nothing');
    expect(actions).toEqual(['create Deployment', 'create Service', 'replace Deployment', 'update status']);
    expect(image()).toBe('nginx:2');
  });

  it('suffices if it is newer than its children: no other Website is read', async () => {
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, NEXT);
    const lagging = behind();
    const { reads, writes } = await spend(() => runSince(lagging));
    expect({ reads, writes }).toEqual({ reads: 2, writes: 2 });
    expect(image()).toBe('nginx:2');
  });

  it('suffices if nothing has to be written, and to report the state of the children', async () => {
    cluster.apply(key, SPEC);
    await run();
    const before = behind();
    expect((await runSince(before)).actions).toEqual([]);
    cluster.rollOut();
    expect((await runSince(before)).actions).toEqual(['update status']);
  });

  it('is not used if the children may belong to a newer spec', async () => {
    cluster.apply(key, SPEC);
    const lagging = behind();
    cluster.apply(key, NEXT);
    expect((await runSince(lagging)).actions).toEqual(['create Deployment', 'create Service', 'update status']);
    expect(image()).toBe('nginx:2');
    expect((await runSince(lagging)).actions).toEqual([]);
  });

  // JavaScript reads most of these as a number, some of them as one below that of the newer spec.
  it.each([undefined, '', ' ', 'one', '1e0', '0x1', '-1', ' 1', '1.0'])(
    'is not used if somebody changed the generation annotation of the Deployment to %j',
    async (generation) => {
      for (const spec of [SPEC, NEXT, SPEC]) cluster.apply(key, spec);
      await run();
      const lagging = behind();
      cluster.apply(key, NEXT);
      await run();
      const { annotations, ...metadata } = deployment().metadata;
      const { [GENERATION]: _, ...others } = annotations ?? {};
      const edited = generation === undefined ? others : { ...others, [GENERATION]: generation };
      cluster.edit(deployment(), { metadata: { ...metadata, annotations: edited } });
      const images: unknown[] = [];
      cluster.onWrite = () => images.push(image());
      await runSince(lagging);
      expect(images.length).toBeGreaterThan(0);
      expect(new Set(images)).toEqual(new Set(['nginx:2']));
    },
  );

  it.each(['as-needed', 'deployment'] as const)(
    'does not undo changes by hand during a suspension, in a run that reads %s',
    async (reads) => {
      cluster.apply(key, SPEC);
      await run();
      const lagging = behind();
      cluster.apply(key, { ...SPEC, suspend: true });
      await run();
      cluster.edit(deployment(), { spec: { ...deployment().spec, replicas: 7 } });
      expect((await runSince(lagging, reads)).outcome).toEqual({ kind: 'settled', reason: 'Suspended' });
      expect(deployment().spec.replicas).toBe(7);
    },
  );

  it.each(OPTIONAL)('does not delete a %s that belongs to a newer spec', async (optional, spec) => {
    cluster.apply(key, spec);
    await run();
    cluster.apply(key, SPEC);
    // The run reads a Deployment of the first spec and an optional child of the third.
    const lagging = behind({
      async getChild(kind, where) {
        if (kind === optional) {
          cluster.apply(key, spec);
          await run();
        }
        return cluster.getChild(kind, where);
      },
    });
    const deleted: string[] = [];
    const remove = cluster.delete.bind(cluster);
    cluster.delete = async (child) => {
      deleted.push(child.kind);
      return remove(child);
    };
    await runSince(lagging);
    expect(deleted).toEqual([]);
  });

  it('does not take back children that a later Website of the same name has taken over', async () => {
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, NEXT);
    const lagging = behind();
    const owned = deployment().metadata.ownerReferences;
    cluster.drop('Website', key);
    cluster.apply(key, SPEC);
    await run();
    // As if the new Website's run had taken over the Service first.
    const metadata = { ...deployment().metadata, ownerReferences: owned } as Deployment['metadata'];
    cluster.edit(deployment(), { metadata });
    const [website] = cluster.websites();
    const owners: unknown[] = [];
    cluster.onWrite = ({ kind, metadata: { ownerReferences = [] } }) => owners.push(kind, ownerReferences[0]?.uid);
    await runSince(lagging);
    expect(owners.slice(0, 2)).toEqual(['Deployment', website?.metadata.uid]);
    for (const child of cluster.children())
      expect(child.metadata.ownerReferences).toMatchObject([{ uid: website?.metadata.uid }]);
  });

  describe('with children from a cache that lags', () => {
    /** Reads that a cache may answer show everything as it is now, whatever changes later. */
    function allBehind(): Cluster {
      const before = cluster.copy();
      return behind({
        getWebsite: async (where, since) => {
          if (since === undefined) return cluster.getWebsite(where);
          cluster.reads++;
          return before.getWebsite(where);
        },
        getChild: async (kind, where, from) => {
          if (from === undefined) return cluster.getChild(kind, where);
          cluster.reads++;
          return before.getChild(kind, where);
        },
      });
    }

    // The cached Website is not counted.
    it('writes them without another read, if the spec is newer', async () => {
      cluster.apply(key, SPEC);
      await run();
      cluster.apply(key, NEXT);
      const froms: unknown[] = [];
      const lagging = behind({
        getChild: (kind, where, from) => {
          froms.push(kind, from);
          return cluster.getChild(kind, where);
        },
      });
      const { reads, writes } = await spend(() => runSince(lagging, 'spec'));
      expect({ reads, writes, froms }).toEqual({ reads: 1, writes: 2, froms: ['Deployment', 'cache'] });
      expect(image()).toBe('nginx:2');
    });

    it('reads them again if there is nothing to write, so that the status is true', async () => {
      cluster.apply(key, SPEC);
      await run();
      const lagging = allBehind();
      cluster.rollOut();
      const { reads } = await spend(async () => {
        expect((await runSince(lagging, 'spec')).actions).toEqual(['update status']);
      });
      expect(reads).toBe(3);
      expect(cluster.websites()[0]?.status?.readyReplicas).toBe(SPEC.replicas);
    });

    it('keeps what somebody has changed since', async () => {
      cluster.apply(key, SPEC);
      await run();
      cluster.apply(key, NEXT);
      const lagging = allBehind();
      const metadata = { ...deployment().metadata, labels: { ...deployment().metadata.labels, mine: 'yes' } };
      cluster.edit(deployment(), { metadata });
      await runSince(lagging, 'spec');
      expect(image()).toBe('nginx:2');
      expect(deployment().metadata.labels).toMatchObject({ mine: 'yes' });
    });

    it('recreates a Deployment that was deleted since', async () => {
      cluster.apply(key, SPEC);
      await run();
      cluster.apply(key, NEXT);
      const lagging = allBehind();
      cluster.remove('Deployment', { ...key, name: 'shop-deployment' });
      await runSince(lagging, 'spec');
      expect(cluster.children().map(({ kind }) => kind)).toContain('Deployment');
      expect(
        (cluster.children().find(({ kind }) => kind === 'Deployment') as Deployment).spec.template.spec,
      ).toMatchObject({
        containers: [{ image: 'nginx:2' }],
      });
    });

    it('reads the Deployment again before it takes over its replicas', async () => {
      cluster.apply(key, SPEC);
      await run();
      cluster.apply(key, { image: SPEC.image, autoscaling: { external: true } });
      const lagging = allBehind();
      cluster.edit(deployment(), { spec: { ...deployment().spec, replicas: 7 } });
      await runSince(lagging, 'spec');
      expect(cluster.websites()[0]?.spec).toMatchObject({ replicas: 7 });
    });
  });

  it('may be deleted by now', async () => {
    cluster.apply(key, SPEC);
    const lagging = behind();
    cluster.remove('Website', key);
    expect((await runSince(lagging, 'nothing')).outcome).toEqual({ kind: 'gone' });
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

describe('A Deployment, after an event that reports only its change,', () => {
  const alone = () => run('deployment');
  const deployment = () => cluster.children().find(({ kind }) => kind === 'Deployment') as Deployment;
  const edited = () => cluster.edit(deployment(), { spec: { ...deployment().spec, replicas: 9 } });
  const NAME = { ...key, name: 'shop-deployment' };
  const HOST = { ...SPEC, host: 'a.example.com' };

  beforeEach(async () => {
    // This is not its first spec, because a run for a first spec reads less.
    cluster.apply(key, { ...HOST, replicas: 3 });
    cluster.apply(key, HOST);
    await run();
    cluster.rollOut();
    await run();
  });

  it.each<[string, () => unknown, string[], number]>([
    ['is as declared', () => {}, [], 2],
    ['was edited', edited, ['replace Deployment', 'update status'], 2],
    // Without the Deployment, the run cannot know that there is no HTTPRoute, which affects readiness.
    ['was deleted', () => cluster.remove('Deployment', NAME), ['create Deployment', 'update status'], 4],
    ['has Pods', () => cluster.edit(deployment(), { status: { replicas: 2, readyReplicas: 1 } }), ['update status'], 2],
  ])('that %s is read with the Website, and no other child is read', async (_, happens, actions, reads) => {
    happens();
    const children = cluster.children().filter(({ kind }) => kind !== 'Deployment');
    expect(await spend(async () => expect((await alone()).actions).toEqual(actions))).toEqual({
      reads,
      writes: actions.length,
    });
    expect(cluster.children()).toEqual(expect.arrayContaining(children));
    expect(deployment().spec.replicas).toBe(2);
    cluster.rollOut();
    await alone();
    expect(await spend(() => run())).toEqual({ reads: 4, writes: 0 });
  });

  it('is read with all children if the Website has changed too', async () => {
    cluster.remove('Service', SERVICE);
    cluster.apply(key, { ...SPEC, host: 'b.example.com' });
    expect((await alone()).actions).toContain('create Service');
  });
});

describe('A Website whose spec changed, after an event that reports no changed Service,', () => {
  it.each([
    ['another image', { image: 'nginx:2' }, 2, ['replace Deployment', 'update status']],
    // The run sees too late that the host needs more, so it reads twice.
    ['a host', { host: 'a.example.com' }, 4, ['replace Deployment', 'create Ingress', 'update status']],
    ['no new value', {}, 2, []],
  ])('and gets %s needs no read of the Service', async (_, change, reads, actions) => {
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, { ...SPEC, ...change });
    expect(await spend(async () => expect((await run('spec')).actions).toEqual(actions))).toEqual({
      reads,
      writes: actions.length,
    });
    expect(await spend(() => run())).toMatchObject({ writes: 0 });
  });

  it.each<[string, object]>([
    ['an Ingress and a PodDisruptionBudget', { host: 'a.example.com', replicas: 2 }],
    ['an autoscaler', { replicas: undefined, autoscaling: { maxReplicas: 3 } }],
    ['labels on its children', { childMetadata: { labels: { team: 'web' } } }],
  ])('and gets another image needs no more requests if it has %s', async (_, more) => {
    const spec = { ...SPEC, ...more };
    cluster.apply(key, spec);
    await run();
    for (const image of ['nginx:2', 'nginx:3']) {
      cluster.rollOut();
      await run();
      cluster.apply(key, { ...spec, image });
      expect(await spend(() => run('spec'))).toEqual({ reads: 2, writes: 2 });
      for (const again of ['spec', 'as-needed', 'everything'] as const)
        expect(await spend(() => run(again))).toMatchObject({ writes: 0 });
    }
  });

  it('and gets another image writes other children again after a generation that no run has seen', async () => {
    const spec = { ...SPEC, host: 'a.example.com' };
    cluster.apply(key, spec);
    await run();
    for (const image of ['nginx:2', 'nginx:3']) cluster.apply(key, { ...spec, image });
    expect((await run('spec')).actions).toEqual(['replace Deployment', 'replace Ingress', 'update status']);
  });

  it('and loses its host has its Ingress deleted', async () => {
    cluster.apply(key, { ...SPEC, host: 'a.example.com' });
    await run();
    cluster.apply(key, SPEC);
    expect((await run('spec')).actions).toContain('delete Ingress');
  });
});

describe.each(['deployment', 'spec'] as const)(
  'A run that reads only the %s at first reads all children if',
  (reads) => {
    beforeEach(async () => {
      cluster.apply(key, SPEC);
      await run();
    });

    it.each<[string, () => unknown]>([
      ['somebody requested a reconcile', () => cluster.apply(key, SPEC, { annotations: { [REQUESTED_AT]: 'now' } })],
      ['the Website was created again', () => (cluster.remove('Website', key), cluster.apply(key, SPEC))],
      [
        'the Website has been resumed',
        async () => {
          cluster.apply(key, { ...SPEC, suspend: true });
          await run();
          cluster.remove('Service', SERVICE);
          cluster.apply(key, SPEC);
        },
      ],
    ])('%s', async (_, happens) => {
      cluster.remove('Service', SERVICE);
      await happens();
      expect((await run(reads)).actions).toContain('create Service');
    });

    it('the children have lost their owner references', async () => {
      for (const child of cluster.children())
        cluster.edit(child, { metadata: { ...child.metadata, ownerReferences: [] } });
      expect((await run(reads)).actions).toContain('replace Service');
    });

    it('a foreign Service was in the way', async () => {
      const service = cluster.children().find(({ kind }) => kind === 'Service') as Child;
      cluster.edit(service, { metadata: { ...service.metadata, ownerReferences: [], labels: {} } });
      expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
      expect((await run(reads)).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
      cluster.remove('Service', SERVICE);
      expect((await run(reads)).actions).toContain('create Service');
    });

    it('a foreign Deployment is in the way', async () => {
      cluster.remove('Service', SERVICE);
      const deployment = cluster.children().find(({ kind }) => kind === 'Deployment') as Child;
      cluster.edit(deployment, { metadata: { ...deployment.metadata, ownerReferences: [], labels: {} } });
      const { outcome, actions } = await run(reads);
      expect(outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
      expect(actions).toContain('create Service');
    });
  },
);

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
