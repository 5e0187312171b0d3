// spec.childMetadata: labels and annotations on every child and on the Pods, beside those of other writers.
import { isDeepStrictEqual } from 'node:util';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import { CHILD_KINDS, childrenIn, type Child, type Children } from '../../../functions/website/children/kinds.ts';
import { CHILD_METADATA, GENERATION, OTHERS } from '../../../functions/website/children/metadata.ts';
import { desired } from '../../../functions/website/plan/desired.ts';
import { isNewerThan } from '../../../functions/website/plan/ownership.ts';
import { plan, withoutOwnAnnotations } from '../../../functions/website/plan/plan.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { GROUP, websiteSpec, type ObjectMeta, type Website } from '../../../functions/website/resource.ts';
import { around } from '../../cluster/around.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { storedChildren } from '../../fixtures/children.ts';
import { runOnce, type RunName } from '../../fixtures/runs.ts';
import { aWebsite, NOW, SPEC } from '../../fixtures/websites.ts';
import { world } from '../world.ts';

const key = { namespace: 'team-a', name: 'shop' };
/** A spec with an Ingress and a budget. */
const FULL = { ...SPEC, host: 'a.example.com', disruptionBudget: 'Auto' };
const STATED = { labels: { team: 'web', 'example.com/tier': '' }, annotations: { 'example.com/owner': 'a b' } };
const WITH = { ...FULL, childMetadata: STATED };

type Meta = Pick<ObjectMeta, 'labels' | 'annotations'>;
interface Place {
  readonly name: string;
  readonly meta: Meta;
}

/** Every place that has labels and annotations: the children, and the Pods. */
const placesIn = (children: readonly Child[]): Place[] =>
  children.flatMap((child) => {
    const place = { name: child.kind, meta: child.metadata };
    if (child.kind !== 'Deployment') return [place];
    return [place, { name: 'Pods', meta: child.spec.template.metadata ?? {} }];
  });

let cluster: MemoryCluster;
const run = (name?: RunName) => runOnce(cluster, key, name);
const ready = () => cluster.websites()[0]?.status?.conditions?.find(({ type }) => type === 'Ready');
async function follow(spec: object, name: RunName = 'as-needed'): Promise<void> {
  cluster.apply(key, spec);
  await run(name);
  cluster.rollOut();
  await run();
}
const childOf = (kind: string): Child => {
  const child = cluster.children().find((each) => each.kind === kind);
  if (child === undefined) throw new Error(`There is no ${kind}`);
  return child;
};

beforeEach(() => {
  cluster = new MemoryCluster();
});

/** Another writer adds these in every place. */
function edit(labels: object, annotations: object): void {
  for (const child of cluster.children()) {
    const { metadata, spec } = structuredClone(child) as Deployment;
    const places: { labels?: object; annotations?: object }[] = [metadata];
    if (child.kind === 'Deployment') places.push((spec.template.metadata ??= {}));
    for (const place of places) {
      place.labels = { ...place.labels, ...labels };
      place.annotations = { ...place.annotations, ...annotations };
    }
    cluster.edit(child, { metadata, spec });
  }
}

describe('Every child and the Pods', () => {
  const expectEverywhere = ({ labels = {}, annotations = {} }: Meta) => {
    const places = placesIn(cluster.children());
    expect(places.map(({ name }) => name).toSorted()).toEqual([
      'Deployment',
      'Ingress',
      'PodDisruptionBudget',
      'Pods',
      'Service',
    ]);
    for (const { name, meta } of places) {
      expect({ name, meta }).toMatchObject({ name, meta: { labels, annotations } });
    }
  };
  const expectNowhere = (...names: readonly string[]) => {
    for (const { name, meta } of placesIn(cluster.children()))
      for (const each of names) expect({ name, ...meta.labels, ...meta.annotations }).not.toHaveProperty([each]);
  };

  it('get the labels and annotations of the spec, when they are created and later', async () => {
    await follow(WITH);
    expectEverywhere(STATED);
    const created = world(cluster);
    cluster = new MemoryCluster();
    await follow(FULL);
    expectNowhere('team', 'example.com/owner');
    await follow(WITH);
    expect(world(cluster)).toEqual(created);
  });

  it.each<RunName>(['as-needed', 'spec', 'everything'])(
    'follow each change of the spec, in a run that reads %s',
    async (name) => {
      await follow(WITH);
      await follow(
        { ...FULL, childMetadata: { labels: { team: 'sales' }, annotations: { 'example.com/cost': '7' } } },
        name,
      );
      expectEverywhere({ labels: { team: 'sales' }, annotations: { 'example.com/cost': '7' } });
      expectNowhere('example.com/tier', 'example.com/owner');
      await follow(FULL, name);
      expectNowhere('team', 'example.com/tier', 'example.com/owner', 'example.com/cost');
      expect((await run()).actions).toEqual([]);
    },
  );

  it('keep labels and annotations of others, and get changed ones of the spec back', async () => {
    await follow(WITH);
    edit({ theirs: 'x', team: 'theirs' }, { 'their/note': 'y', 'example.com/owner': 'theirs' });
    expect((await run()).actions).toContain('replace Service');
    expectEverywhere({
      labels: { ...STATED.labels, theirs: 'x' },
      annotations: { ...STATED.annotations, 'their/note': 'y' },
    });
    await follow(FULL);
    expectEverywhere({ labels: { theirs: 'x' }, annotations: { 'their/note': 'y' } });
    expectNowhere('team', 'example.com/owner');
  });

  it.each(['{', '[]', '{"labels":"team"}'])('keep all labels if our annotation is the invalid %s', async (text) => {
    await follow(WITH);
    edit({}, { [CHILD_METADATA]: text });
    await follow(FULL);
    expectEverywhere({ labels: { team: 'web' } });
    expect(childOf('Service').metadata.annotations).toHaveProperty([CHILD_METADATA], '{}');
  });

  it.each(['Deployment', 'Service', 'Ingress', 'PodDisruptionBudget'] as const)(
    'have the labels and annotations again after the %s is recreated',
    async (kind) => {
      await follow(WITH);
      const before = world(cluster);
      cluster.remove(kind, childOf(kind).metadata);
      await run('everything');
      cluster.rollOut();
      await run();
      expect(world(cluster)).toEqual(before);
    },
  );

  it('have the new labels after an Ingress is recreated to change its class', async () => {
    await follow({ ...WITH, ingressClassName: 'nginx' });
    edit({ theirs: 'x' }, {});
    await follow({ ...FULL, childMetadata: { labels: { team: 'sales' } } });
    expect(childOf('Ingress').metadata.labels).toMatchObject({ team: 'sales', theirs: 'x' });
    expectNowhere('example.com/tier', 'example.com/owner');
  });
});

describe("The functions' own", () => {
  it('labels and annotations cannot be replaced by those of the spec', () => {
    const wanted = desired(aWebsite({ spec: WITH }), websiteSpec.parse(WITH));
    const plain = desired(aWebsite({ spec: FULL }), websiteSpec.parse(FULL));
    const kinds = CHILD_KINDS.filter((kind) => plain[kind] !== undefined);
    expect(kinds.length).toBeGreaterThan(3);
    for (const kind of kinds) {
      const { labels, annotations: { [OTHERS]: _, ...annotations } = {} } = plain[kind]?.metadata ?? {};
      expect(wanted[kind]?.metadata).toMatchObject({ labels, annotations });
    }
  });

  it('issuer annotation and one of the spec replace each other', async () => {
    const annotated = { ...FULL, childMetadata: { annotations: { 'cert-manager.io/cluster-issuer': 'theirs' } } };
    const issued = { ...FULL, tls: { issuer: { name: 'ours' } } };
    const issuers = () =>
      Object.entries(childOf('Ingress').metadata.annotations ?? {}).filter(([name]) =>
        name.startsWith('cert-manager.io/'),
      );
    for (const _ of [1, 2]) {
      await follow(annotated);
      expect(issuers()).toEqual([['cert-manager.io/cluster-issuer', 'theirs']]);
      await follow(issued);
      expect(issuers()).toEqual([['cert-manager.io/issuer', 'ours']]);
    }
  });
});

describe('A Website that never used childMetadata', () => {
  it('has neither its annotation nor a generation on its Service', async () => {
    await follow({ ...FULL, childMetadata: { labels: {}, annotations: {} } });
    for (const { metadata } of cluster.children()) expect(metadata.annotations).not.toHaveProperty([CHILD_METADATA]);
    expect(childOf('Service').metadata.annotations).not.toHaveProperty([GENERATION]);
  });

  it('needs 2 reads for a new spec, and 5 when the labels and annotations change', async () => {
    const reads = async (spec: object) => {
      cluster.apply(key, spec);
      const before = cluster.reads;
      await run('spec');
      const spent = cluster.reads - before;
      cluster.rollOut();
      await run();
      return spent;
    };
    await follow(SPEC);
    expect(await reads({ ...SPEC, image: 'nginx:2' })).toBe(2);
    await follow({ ...SPEC, childMetadata: STATED });
    expect(await reads(SPEC)).toBe(5);
    expect(await reads({ ...SPEC, image: 'nginx:2' })).toBe(2);
  });
});

describe('With childMetadata, an old run must lose its race on the Deployment, so', () => {
  const steps = (spec: object, observed: Children, website = aWebsite({ spec })) =>
    plan(website, desired(website, websiteSpec.parse(spec), observed), observed).steps.map((step) =>
      step.map(({ verb, child }) => `${verb} ${child.kind}`),
    );
  const used = { ...SPEC, childMetadata: STATED };

  it('the Service is written after the Deployment', () => {
    expect(steps(used, {})).toEqual([['create Deployment'], ['create Service']]);
    expect(steps(used, storedChildren(aWebsite()))).toEqual([['replace Deployment'], ['replace Service']]);
    const newer = aWebsite({ spec: SPEC, metadata: { generation: 2 } });
    expect(steps(SPEC, storedChildren(aWebsite({ spec: used })), newer)).toEqual([
      ['replace Deployment'],
      ['replace Service'],
    ]);
  });

  it('the Service is not written while the API server refuses the Deployment', async () => {
    await follow(SPEC);
    const replace = cluster.replace.bind(cluster);
    const refusing = vi.spyOn(cluster, 'replace').mockImplementation(async (child) => {
      if (child.kind === 'Deployment') throw new ClusterError('Invalid', 'no such labels');
      return replace(child);
    });
    cluster.apply(key, used);
    await run();
    expect(ready()?.reason).toBe('Rejected');
    expect(childOf('Service').metadata.labels).not.toHaveProperty('team');
    refusing.mockRestore();
    await run();
    expect(childOf('Service').metadata.labels).toHaveProperty('team');
  });

  describe('while the Deployment is foreign, the Service', () => {
    /** A Website with a foreign Deployment. */
    async function blocked(): Promise<void> {
      cluster.edit(childOf('Deployment'), {
        metadata: { ...childOf('Deployment').metadata, labels: {}, annotations: {}, ownerReferences: [] },
      });
    }
    const unblock = async () => {
      cluster.remove('Deployment', childOf('Deployment').metadata);
      await run('everything');
      expect(childOf('Service').metadata.labels).toMatchObject(STATED.labels);
    };

    it('is created as every spec desires it', async () => {
      await follow(SPEC);
      await blocked();
      const before = childOf('Service');
      cluster.remove('Service', before.metadata);
      cluster.apply(key, used);
      await run('everything');
      expect(ready()?.reason).toBe('NameConflict');
      const { metadata, spec } = childOf('Service');
      expect([metadata.labels, metadata.annotations]).toEqual([before.metadata.labels, before.metadata.annotations]);
      expect(spec).toEqual(before.spec);
      expect(cluster.websites()[0]?.status?.url).toBe('http://shop-service.team-a.svc');
      await run('everything');
      expect(childOf('Service').metadata.resourceVersion).toBe(metadata.resourceVersion);
      await unblock();
    });

    it.each([
      ['has no labels of a spec', SPEC],
      ['has labels of an earlier spec', { ...SPEC, childMetadata: { labels: { team: 'before', old: 'x' } } }],
    ])('is repaired, and keeps its labels and annotations, if it %s', async (_, earlier) => {
      await follow(earlier);
      await blocked();
      const service = childOf('Service');
      if (service.kind !== 'Service') throw new Error('It is a Service');
      const { metadata, spec } = service;
      cluster.apply(key, used);
      cluster.edit(service, { spec: { ...spec, selector: { app: 'evil' } } });
      await run('everything');
      expect(ready()?.reason).toBe('NameConflict');
      expect(childOf('Service').spec).toEqual(spec);
      expect(childOf('Service').metadata.labels).toEqual(metadata.labels);
      expect(childOf('Service').metadata.annotations).toEqual(metadata.annotations);
      await unblock();
    });
  });

  it('the Service is not written while the Deployment is foreign, and gets its labels afterwards', async () => {
    await follow(SPEC);
    const { metadata } = childOf('Deployment');
    cluster.edit(childOf('Deployment'), { metadata: { ...metadata, labels: {}, ownerReferences: [] } });
    cluster.apply(key, used);
    await run();
    expect(ready()?.reason).toBe('NameConflict');
    expect(childOf('Service').metadata.labels).not.toHaveProperty('team');
    cluster.remove('Deployment', metadata);
    await run('everything');
    expect(childOf('Service').metadata.labels).toHaveProperty('team');
  });

  it('a cached Website does not count as newer than a Service of a newer spec', () => {
    const children = storedChildren(aWebsite({ spec: used }));
    const cached = aWebsite({ spec: used, metadata: { generation: 2 } });
    expect(isNewerThan(cached, children)).toBe(true);
    const newer = storedChildren(aWebsite({ spec: used, metadata: { generation: 3 } }));
    expect(isNewerThan(cached, { ...children, Service: newer.Service })).toBe(false);
  });

  it('a recreated Deployment has the annotation if its Service has it', () => {
    const { Service: service } = storedChildren(aWebsite({ spec: used }));
    const website = aWebsite({ spec: SPEC, metadata: { generation: 2 } });
    const wanted = desired(website, websiteSpec.parse(SPEC), { Service: service });
    expect(wanted.Deployment?.metadata.annotations).toHaveProperty([CHILD_METADATA], '{}');
    expect(wanted.Service?.metadata.annotations).toHaveProperty([GENERATION], '2');
  });
});

/** A run whose process ends before this call. */
async function dying(at: number): Promise<void> {
  let calls = 0;
  const dead = around(cluster, async (_, proceed) => {
    if (++calls >= at) throw new ClusterError('Unreachable', 'the process has ended');
    return proceed();
  });
  await reconcile(key, { cluster: dead, now: () => NOW }).catch(() => {});
}

const CALLS = [1, 2, 3, 4, 5, 6, 7, 8];

describe.each(CALLS)('A run that ends before call %i leaves no label behind', (at) => {
  const other = { ...SPEC, image: 'nginx:2' };
  const used = { ...SPEC, childMetadata: STATED };
  /** Whether the runs for the next spec lead to the same state as a new Website. */
  async function endsAsOther(): Promise<boolean> {
    await run('spec');
    cluster.rollOut();
    await run('spec');
    const found = world(cluster);
    cluster = new MemoryCluster();
    await follow(other);
    return isDeepStrictEqual(found, world(cluster));
  }

  it('under the next spec, if it removed labels', async () => {
    await follow(used);
    cluster.apply(key, SPEC);
    await dying(at);
    cluster.apply(key, other);
    expect(await endsAsOther()).toBe(true);
  });

  it('under the next spec, if it added labels', async () => {
    await follow(SPEC);
    cluster.apply(key, used);
    await dying(at);
    cluster.apply(key, other);
    expect(await endsAsOther()).toBe(true);
  });

  it('if it added labels and somebody then deleted the Deployment', async () => {
    await follow(SPEC);
    cluster.apply(key, used);
    await dying(at);
    cluster.remove('Deployment', { ...key, name: 'shop-deployment' });
    cluster.apply(key, other);
    expect(await endsAsOther()).toBe(true);
  });
});

it('A suspended Website does not differ because of our annotation alone', () => {
  const children = storedChildren(aWebsite({ spec: WITH }));
  for (const { meta } of placesIn(childrenIn(children)))
    for (const name of ['team', 'example.com/tier', 'example.com/owner']) {
      delete (meta.labels as Record<string, string>)[name];
      delete (meta.annotations as Record<string, string>)[name];
    }
  const website: Website = aWebsite({ spec: FULL, metadata: { generation: 2 } });
  const planned = plan(website, desired(website, websiteSpec.parse(FULL), children), children);
  expect(planned.steps.flat()).toHaveLength(4);
  expect(withoutOwnAnnotations(planned).steps).toEqual([]);
});

it('The message of the condition does not show the value of an annotation of the Pods', async () => {
  cluster.admit = (child) => {
    const copy = structuredClone(child) as Deployment;
    if (child.kind === 'Deployment')
      Object.assign(copy.spec.template.metadata?.annotations ?? {}, { 'example.com/owner': 'policy' });
    return copy;
  };
  await follow(WITH);
  expect(ready()).toMatchObject({ reason: 'Overridden' });
  expect(ready()?.message).toContain('spec.template.metadata.annotations.example.com/owner');
  expect(ready()?.message).not.toContain('policy (');
  expect(ready()?.message).not.toContain('a b');
});

describe('The schema refuses', () => {
  it.each([GROUP, `websites.${GROUP}`, 'kubernetes.io', 'a.b.kubernetes.io', 'k8s.io', 'gateway.networking.k8s.io'])(
    'keys below %s',
    (prefix) => {
      for (const part of ['labels', 'annotations']) {
        const issues = websiteSpec.safeParse({ ...SPEC, childMetadata: { [part]: { [`${prefix}/x`]: 'y' } } }).error
          ?.issues;
        expect(issues).toMatchObject([
          { path: ['childMetadata', part], message: expect.stringContaining('must have no key below') as string },
        ]);
      }
    },
  );
});
