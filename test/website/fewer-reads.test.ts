// Runs that read less than all: the Website from a cache, or only what an event reports as changed.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { REQUESTED_AT } from '../../functions/website/resource.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { OPTIONAL } from '../fixtures/asking.ts';
import { NOW, SPEC } from '../fixtures/websites.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import type { Child } from '../../functions/website/children/kinds.ts';
import { GENERATION } from '../../functions/website/children/metadata.ts';
import { requestsOf, RUNS, runOnce, type RunName } from '../fixtures/runs.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SERVICE = { ...key, name: 'shop-service' };
let cluster: MemoryCluster;
const run = (name?: RunName) => runOnce(cluster, key, name);
const spend = (work: () => Promise<unknown>) => requestsOf(cluster, work);

beforeEach(() => {
  cluster = new MemoryCluster();
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
