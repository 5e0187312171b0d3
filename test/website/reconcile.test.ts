import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../functions/cluster/errors.ts';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { REQUESTED_AT } from '../../functions/website/resource.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW, SPEC } from '../fixtures/websites.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import {
  CHILD_KINDS,
  OPTIONAL_KINDS,
  type Child,
  type ChildKind,
  kindOf,
} from '../../functions/website/children/kinds.ts';
import { childName } from '../../functions/website/children/metadata.ts';
import { RUNS, type RunName } from '../fixtures/runs.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SERVICE = { ...key, name: 'shop-service' };
/** What a spec says to have a child of an optional kind. */
const ASKING: Partial<Record<ChildKind, object>> = {
  Ingress: { host: 'a.example.com' },
  PodDisruptionBudget: { disruptionBudget: 'Auto' },
  HTTPRoute: { host: 'a.example.com', gateway: { name: 'public' } },
  HorizontalPodAutoscaler: { autoscaling: { maxReplicas: 4 } },
};
/** Each optional kind, with a spec that desires it and no other one. The tests of a kind without such a spec fail. */
const OPTIONAL = OPTIONAL_KINDS.map(({ kind }) => [kind, { ...SPEC, ...ASKING[kind] }] as const);
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

describe('P1: what is declared comes to be', () => {
  it('from nothing', async () => {
    cluster.apply(key, SPEC);
    expect((await run()).actions).toEqual(['create Deployment', 'create Service', 'update status']);
    cluster.rollOut();
    expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Available' });
  });

  it.each([
    ['another image', { image: 'nginx:2' }, ['replace Deployment', 'update status']],
    ['no replicas', { replicas: 0 }, ['replace Deployment', 'update status']],
    ['a host', { host: 'a.example.com' }, ['replace Deployment', 'create Ingress', 'update status']],
  ])('after %s', async (_, change, actions) => {
    cluster.apply(key, SPEC);
    await run();
    cluster.rollOut();
    await run();
    cluster.apply(key, { ...SPEC, ...change });
    expect((await run()).actions).toEqual(actions);
  });

  it('after a host came and went', async () => {
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

describe('P2: where all is as declared', () => {
  it.each([
    ['there are 3 reads and no write', SPEC, 3],
    ['with an Ingress there are 4', { ...SPEC, host: 'a.example.com' }, 4],
    ['with a Gateway there are 4', { ...SPEC, ...ASKING.HTTPRoute }, 4],
  ])('%s', async (_, spec, reads) => {
    cluster.apply(key, spec);
    await run();
    cluster.rollOut();
    await run();
    expect(await spend(() => run())).toEqual({ reads, writes: 0 });
  });

  it('a create of a Website just seen takes 4 calls', async () => {
    cluster.apply(key, SPEC);
    expect(await spend(() => run('nothing'))).toEqual({ reads: 1, writes: 3 });
  });

  it('a wrong guess that there are no children does no harm', async () => {
    cluster.apply(key, SPEC);
    await run();
    const before = cluster.all();
    await run('nothing');
    expect(cluster.all()).toEqual(before);
  });
});

describe('P3: a run that was overtaken', () => {
  /** Stops the run at its first such write, lets the rest of the test happen, and then lets it write. */
  function overtaken(verb: 'replace' | 'delete', stopAt: ChildKind) {
    let resume = () => {};
    const meanwhile = new Promise<void>((resolve) => (resume = resolve));
    let stalled = () => {};
    const atWrite = new Promise<void>((resolve) => (stalled = resolve));
    const turn = async (of: string, child: Child) => {
      if (of !== verb || child.kind !== stopAt) return;
      stalled();
      await meanwhile;
    };
    const slow: Cluster = {
      getWebsite: (where) => cluster.getWebsite(where),
      getChild: (kind, where) => cluster.getChild(kind, where),
      create: (child) => cluster.create(child),
      rehearse: (child) => cluster.rehearse(child),
      scale: (website, replicas) => cluster.scale(website, replicas),
      updateStatus: (website) => cluster.updateStatus(website),
      announce: (website, transition) => cluster.announce(website, transition),
      listWebsites: () => cluster.listWebsites(),
      listChildren: (kind) => cluster.listChildren(kind),
      listPods: (namespace, labels) => cluster.listPods(namespace, labels),
      async replace(child) {
        await turn('replace', child);
        return cluster.replace(child);
      },
      async delete(child) {
        await turn('delete', child);
        return cluster.delete(child);
      },
    };
    const result = reconcile(key, { cluster: slow, now: () => NOW });
    return { result, atWrite, resume: () => resume() };
  }
  const images: (string | undefined)[] = [];

  it.each([
    ['wrote something else', 'nginx:3'],
    ['had nothing to write, since all was as it wants it', 'nginx:1.29'],
  ])('by one that %s does not undo it', async (_, image) => {
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

  it('does not undo it where the newer one had nothing to write but the generation of an Ingress', async () => {
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

  it.each(OPTIONAL)('deletes no %s that the newer one desires', async (kind, spec) => {
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

  it.each(OPTIONAL)(
    'of the kind %s is recreated, and then the status is written, even without news',
    async (kind, spec) => {
      cluster.apply(key, { ...spec, replicas: 3 });
      await run();
      cluster.apply(key, spec);
      await run();
      remove(kind);
      // A newer run that desires no such child makes the API server refuse this status, so the run takes the child back.
      const { reads, writes } = await spend(async () =>
        expect((await run('everything')).actions).toEqual([`create ${kind}`]),
      );
      expect({ reads, writes }).toEqual({ reads: CHILD_KINDS.length + 1, writes: 2 });
    },
  );

  it.each(OPTIONAL)(
    'of the kind %s is found after a lost race, though the Deployment does not list it',
    async (kind, spec) => {
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
    },
  );

  it.each(OPTIONAL)(
    'of the kind %s is deleted with the first attempt where a deleted Website left it',
    async (kind, spec) => {
      cluster.apply(key, spec);
      await run();
      cluster.drop('Website', key);
      cluster.apply(key, { ...SPEC, image: 'nginx:2' });
      cluster.apply(key, SPEC);
      const { reads } = await spend(async () =>
        expect((await run()).actions.slice(0, 2)).toEqual([`replace ${kind}`, `delete ${kind}`]),
      );
      expect(reads).toBe(4);
    },
  );
});

describe('P3: a Website as a cache has it', () => {
  /** Shows the Website as it is now to whoever asks for it since a version, whatever comes; what else is given takes the place of calls. */
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

  it('is good enough where there are no children yet: what has changed since is found out', async () => {
    cluster.apply(key, SPEC);
    const lagging = behind();
    cluster.apply(key, NEXT);
    const { actions } = await runSince(lagging, 'nothing');
    expect(actions).toEqual(['create Deployment', 'create Service', 'replace Deployment', 'update status']);
    expect(image()).toBe('nginx:2');
  });

  it('is good enough where it is ahead of its children: no other is read', async () => {
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, NEXT);
    const lagging = behind();
    const { reads, writes } = await spend(() => runSince(lagging));
    expect({ reads, writes }).toEqual({ reads: 2, writes: 2 });
    expect(image()).toBe('nginx:2');
  });

  it('is good enough where nothing is to be done, and for what its status says of the children', async () => {
    cluster.apply(key, SPEC);
    await run();
    const before = behind();
    expect((await runSince(before)).actions).toEqual([]);
    cluster.rollOut();
    expect((await runSince(before)).actions).toEqual(['update status']);
  });

  it('is not acted on where the children may have been made for a newer one', async () => {
    cluster.apply(key, SPEC);
    const lagging = behind();
    cluster.apply(key, NEXT);
    expect((await runSince(lagging)).actions).toEqual(['create Deployment', 'create Service', 'update status']);
    expect(image()).toBe('nginx:2');
    expect((await runSince(lagging)).actions).toEqual([]);
  });

  it('is not acted on where somebody has removed the generation of the Deployment', async () => {
    cluster.apply(key, SPEC);
    await run();
    const lagging = behind();
    cluster.apply(key, NEXT);
    await run();
    const { annotations: _, ...metadata } = deployment().metadata;
    cluster.edit(deployment(), { metadata });
    const images: unknown[] = [];
    cluster.onWrite = () => images.push(image());
    await runSince(lagging);
    expect(images.length).toBeGreaterThan(0);
    expect(new Set(images)).toEqual(new Set(['nginx:2']));
  });

  it.each(['as-needed', 'deployment'] as const)(
    'does not undo what was done by hand while it is suspended, in a run that looks at %s',
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

  it.each(OPTIONAL)('does not take back the %s that was made for a newer one', async (optional, spec) => {
    cluster.apply(key, spec);
    await run();
    cluster.apply(key, SPEC);
    // Its Deployment is still of the first spec when it is read, and its optional child of the third.
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

  it('does not take back what one after it, of the same name, has taken over', async () => {
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, NEXT);
    const lagging = behind();
    const owned = deployment().metadata.ownerReferences;
    cluster.drop('Website', key);
    cluster.apply(key, SPEC);
    await run();
    // As where the new one's run has come to the Service first.
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

  it('may be gone by now', async () => {
    cluster.apply(key, SPEC);
    const lagging = behind();
    cluster.remove('Website', key);
    expect((await runSince(lagging, 'nothing')).outcome).toEqual({ kind: 'gone' });
  });
});

it('The outcome rests on each object as it was read last, or written', async () => {
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

describe('A Deployment of which alone something was heard', () => {
  const alone = () => run('deployment');
  const deployment = () => cluster.children().find(({ kind }) => kind === 'Deployment') as Deployment;
  const edited = () => cluster.edit(deployment(), { spec: { ...deployment().spec, replicas: 9 } });
  const NAME = { ...key, name: 'shop-deployment' };
  const HOST = { ...SPEC, host: 'a.example.com' };

  beforeEach(async () => {
    // Not its first spec, for which a run looks less far.
    cluster.apply(key, { ...HOST, replicas: 3 });
    cluster.apply(key, HOST);
    await run();
    cluster.rollOut();
    await run();
  });

  it.each<[string, () => unknown, string[], number]>([
    ['is as it should be', () => {}, [], 2],
    ['was edited', edited, ['replace Deployment', 'update status'], 2],
    // Nothing says that there is no HTTPRoute, which has a say in readiness.
    ['was deleted', () => cluster.remove('Deployment', NAME), ['create Deployment', 'update status'], 4],
    ['has Pods', () => cluster.edit(deployment(), { status: { replicas: 2, readyReplicas: 1 } }), ['update status'], 2],
  ])('that %s is read with the Website, and no other child is', async (_, happens, actions, reads) => {
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

  it('is not all that is looked at where the Website has changed', async () => {
    cluster.remove('Service', SERVICE);
    cluster.apply(key, { ...SPEC, host: 'b.example.com' });
    expect((await alone()).actions).toContain('create Service');
  });
});

describe('A Website that has changed, and no Service has', () => {
  it.each([
    ['another image', { image: 'nginx:2' }, 2, ['replace Deployment', 'update status']],
    ['a host', { host: 'a.example.com' }, 2, ['replace Deployment', 'create Ingress', 'update status']],
    ['nothing new', {}, 2, []],
  ])('to %s needs no look at it', async (_, change, reads, actions) => {
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, { ...SPEC, ...change });
    expect(await spend(async () => expect((await run('spec')).actions).toEqual(actions))).toEqual({
      reads,
      writes: actions.length,
    });
    expect(await spend(() => run())).toMatchObject({ writes: 0 });
  });

  it('from a host has its Ingress deleted', async () => {
    cluster.apply(key, { ...SPEC, host: 'a.example.com' });
    await run();
    cluster.apply(key, SPEC);
    expect((await run('spec')).actions).toContain('delete Ingress');
  });
});

describe.each(['deployment', 'spec'] as const)('A run that looks at %s first reads more where', (reads) => {
  beforeEach(async () => {
    cluster.apply(key, SPEC);
    await run();
  });

  it.each<[string, () => unknown]>([
    ['the Website is asked for a look', () => cluster.apply(key, SPEC, { annotations: { [REQUESTED_AT]: 'now' } })],
    ['the Website is another one', () => (cluster.remove('Website', key), cluster.apply(key, SPEC))],
    [
      'the Website was suspended, and is no more',
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

  it('the children have lost their owners', async () => {
    for (const child of cluster.children())
      cluster.edit(child, { metadata: { ...child.metadata, ownerReferences: [] } });
    expect((await run(reads)).actions).toContain('replace Service');
  });

  it('something stood in the way', async () => {
    const service = cluster.children().find(({ kind }) => kind === 'Service') as Child;
    cluster.edit(service, { metadata: { ...service.metadata, ownerReferences: [], labels: {} } });
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
    expect((await run(reads)).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
    cluster.remove('Service', SERVICE);
    expect((await run(reads)).actions).toContain('create Service');
  });

  it('the Deployment stands in the way', async () => {
    cluster.remove('Service', SERVICE);
    const deployment = cluster.children().find(({ kind }) => kind === 'Deployment') as Child;
    cluster.edit(deployment, { metadata: { ...deployment.metadata, ownerReferences: [], labels: {} } });
    const { outcome, actions } = await run(reads);
    expect(outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
    expect(actions).toContain('create Service');
  });
});

describe('P10: a kind that has a say in readiness', () => {
  const ingress = kindOf('Ingress');
  beforeEach(() => {
    Object.assign(ingress, {
      readiness: () => ({ state: 'progressing', reason: 'Progressing', message: 'Not routed' }),
    });
  });
  afterEach(() => Reflect.deleteProperty(ingress, 'readiness'));

  it.each(['deployment', 'as-needed', 'everything'] as const)('is heard by a run that looks at %s', async (name) => {
    cluster.apply(key, { ...SPEC, host: 'a.example.com' });
    await run();
    cluster.rollOut();
    expect((await run(name)).outcome).toMatchObject({ kind: 'waiting', reason: 'Progressing' });
  });
});

describe('P4: what is not ours', () => {
  it('is not touched, and the Website heals once it is gone', async () => {
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

  it('is not adopted by a Website that was deleted after it was read: the garbage collector would delete it', async () => {
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
  it('that is gone, or going, is left to the garbage collector', async () => {
    expect(await run()).toEqual({ outcome: { kind: 'gone' }, actions: [], repairs: [], versions: {} });
    cluster.apply(key, SPEC, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(await run()).toEqual({ outcome: { kind: 'gone' }, actions: [], repairs: [], versions: {} });
  });

  it('that is suspended keeps its children as they are, and says so', async () => {
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
    const SUSPENDED = 'Suspended: Suspended, so the children are left as they are:';
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

    it('stays ready while its children are as declared, and is no longer when somebody changes them', async () => {
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

    it('with a new host is not ready, and has no URL that leads nowhere', async () => {
      await suspend({ ...SPEC, host: 'a.example.com' });
      expect(ready()).toMatch(/^Unknown Suspended: .*: Deployment differs from the spec/);
      expect(cluster.websites()[0]?.status).not.toHaveProperty('url');
    });

    it('writes nothing more, and takes 3 reads (P2)', async () => {
      await suspend(SPEC);
      expect(await spend(() => run())).toEqual({ reads: 3, writes: 0 });
    });

    it('is seen as it is by a run that expects no children', async () => {
      cluster.apply(key, { ...SPEC, suspend: true });
      await run('nothing');
      expect(ready()).toBe(`True ${SUSPENDED} 2 replicas are available`);
    });
  });

  it('with a spec that an older CRD let in is stalled with the name of the field, and its children stay', async () => {
    cluster.apply(key, { image: 'nginx\n  evil: true', replicas: 1 });
    expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'InvalidSpec' });
    expect(cluster.children()).toEqual([]);
    expect(cluster.websites()[0]?.status?.conditions?.[0]?.message).toContain('spec.image: must be an image reference');
    expect((await run()).actions).toEqual([]);
  });

  it('without image or replicas is stalled', async () => {
    cluster.apply(key, undefined);
    expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'InvalidSpec' });
  });
});

describe('A call that fails', () => {
  const failing = (code: ErrorCode, method: 'create' | 'replace' | 'updateStatus' | 'getWebsite', times = Infinity) => {
    const original = cluster[method].bind(cluster) as (argument: never) => Promise<never>;
    let failed = 0;
    cluster[method] = async (argument: never) => {
      if (failed++ < times) throw new ClusterError(code, `${code} here`);
      return original(argument);
    };
  };

  it.each(['Invalid', 'QuotaExceeded', 'PolicyDenied'] as const)(
    'for good (%s) is shown in the status, and looked at again within a minute',
    async (code) => {
      cluster.apply(key, SPEC);
      failing(code, 'create');
      const reason = code === 'QuotaExceeded' ? code : 'Rejected';
      expect((await run()).outcome).toEqual({ kind: 'stalled', reason, requeueAfterSeconds: 30 });
      expect(cluster.websites()[0]?.status?.conditions?.[0]).toMatchObject({ reason, message: `${code} here` });
    },
  );

  it.each(['Forbidden', 'Unauthorized', 'TooManyRequests', 'Timeout', 'Unavailable', 'Unreachable'] as const)(
    'for now (%s) is thrown, for the sender to try again',
    async (code) => {
      cluster.apply(key, SPEC);
      failing(code, 'create');
      await expect(run()).rejects.toMatchObject({ code });
    },
  );

  it('because of a lost race is read again', async () => {
    cluster.apply(key, SPEC);
    failing('Conflict', 'updateStatus', 2);
    expect((await run()).actions).toEqual(['create Deployment', 'create Service', 'update status']);
  });

  it('because of a race that is lost for ever is thrown after a bounded number of attempts', async () => {
    cluster.apply(key, SPEC);
    failing('Conflict', 'updateStatus');
    const { reads } = await spend(() => expect(run()).rejects.toMatchObject({ code: 'Conflict' }));
    expect(reads).toBeLessThanOrEqual(5 * (CHILD_KINDS.length + 1));
  });

  it('because the namespace is going is the end of it', async () => {
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
  ])('is not there while the %s is refused', async (_, kind, spec, expected) => {
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

  it("is not there while somebody else's Ingress has the name, also where the Deployment is not ours either", async () => {
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

it('No Ingress is made that the Deployment does not know of, also when the Deployment is refused', async () => {
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

it.each(OPTIONAL)('No %s is made while the Deployment cannot be created', async (kind, spec) => {
  const create = cluster.create.bind(cluster);
  cluster.create = async (child) => {
    if (child.kind === 'Deployment') throw new ClusterError('QuotaExceeded', 'exceeded quota');
    return create(child);
  };
  cluster.apply(key, spec);
  expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'QuotaExceeded' });
  expect(await cluster.getChild(kind, key)).toBeUndefined();
});

it('An Ingress that has to be recreated and cannot be deleted stays, and the status says why', async () => {
  cluster.apply(key, { ...SPEC, host: 'a.example.com', ingressClassName: 'nginx' });
  await run();
  cluster.delete = () => Promise.reject(new ClusterError('Invalid', 'not here'));
  cluster.apply(key, { ...SPEC, host: 'a.example.com' });
  expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'Rejected' });
  expect(await cluster.getChild('Ingress', key)).toMatchObject({ spec: { ingressClassName: 'nginx' } });
  expect((await run()).actions).toEqual([]);
});

describe('No Ingress stays when the host has left the spec, also when', () => {
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
  ])('%s has put a Deployment in the place of ours', async (_, ownerReferences) => {
    cluster.apply(key, HOST);
    await run();
    await takeAway(ownerReferences);
    cluster.apply(key, SPEC);
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
    expect(await cluster.getChild('Ingress', key)).toBeUndefined();
  });

  it('somebody has deleted the Deployment', async () => {
    cluster.apply(key, HOST);
    await run();
    cluster.remove('Deployment', (await deployment()).metadata);
    cluster.apply(key, SPEC);
    await run();
    expect(await cluster.getChild('Ingress', key)).toBeUndefined();
  });

  it('somebody else had the name of the Deployment before there was a host', async () => {
    cluster.apply(key, SPEC);
    await run();
    await takeAway();
    cluster.apply(key, HOST);
    await run();
    cluster.apply(key, SPEC);
    await run();
    expect(await cluster.getChild('Ingress', key)).toBeUndefined();
  });

  it('the Deployment has a selector that cannot be changed', async () => {
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

  it('tells of every change of what is said, once, and of nothing else', async () => {
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

  it('tells nothing of a change that has the reason of before', async () => {
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

  it('tells that a child was put right that somebody else changed, once in a while, and each run says so', async () => {
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

  it('tells of one child that was put right also where another write loses a race', async () => {
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

  it('of a repair is not said where the write is refused', async () => {
    cluster.apply(key, SPEC);
    await run();
    const found = await cluster.getChild('Deployment', key);
    if (found === undefined) throw new Error('There is no Deployment');
    cluster.edit(found, { spec: { ...found.spec, replicas: 9 } });
    cluster.replace = () => Promise.reject(new ClusterError('Invalid', 'no'));
    expect(await run()).toMatchObject({ outcome: { reason: 'Rejected' }, repairs: [] });
    expect(announced()).toEqual(['Warning Rejected']);
  });

  it('tells of a Website that cannot be made at all', async () => {
    cluster.apply(key, { replicas: 1 });
    await run();
    expect(announced()).toEqual(['Warning InvalidSpec']);
  });
});
