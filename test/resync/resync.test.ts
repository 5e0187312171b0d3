// The resync on the model of the cluster: where it continues when it runs out of time, and how much memory it takes.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { resyncWebsites } from '../../functions/resync-websites.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { eventually } from '../eventually.ts';
import { aPod } from '../fixtures/broken-pods.ts';
import { aWebsite, NOW, SPEC } from '../fixtures/websites.ts';
import { COMPILES_ALL } from '../program.ts';
import { type Child, CHILD_KINDS } from '../../functions/website/children/kinds.ts';

function contextOf(cluster: Cluster) {
  const lines: string[] = [];
  const info = (_: object, message = '') => void lines.push(message);
  const log = { debug: info, info, warn: info, error: info };
  return { cluster, now: () => NOW, log, resyncPlace: { last: undefined }, lines };
}

function clusterOf(count: number): MemoryCluster {
  const cluster = new MemoryCluster();
  for (let index = 0; index < count; index++) cluster.apply({ namespace: 'team-a', name: `site-${index}` }, SPEC);
  return cluster;
}

it('A resync out of time continues behind the last Website that it tried, even if each of them fails', async () => {
  const cluster = clusterOf(40);
  const tried: string[] = [];
  cluster.getChild = async (kind, key) => {
    if (kind === 'Deployment') tried.push(key.name);
    throw new Error('This one fails');
  };
  const context = contextOf(cluster);
  // The clock ends each resync when 16 have begun.
  const { performance } = globalThis;
  const real = performance.now.bind(performance);
  let begun = 0;
  performance.now = () => (tried.length - begun >= 16 ? 1_000 : 0);
  try {
    for (let round = 0; round < 3; round++) {
      begun = tried.length;
      expect(await resyncWebsites(context, { timeMs: 100 })).toMatchObject({
        differing: 40,
        failed: 16,
        unfinished: 24,
      });
    }
  } finally {
    performance.now = real;
  }
  expect(new Set(tried).size).toBe(40);
});

it('P7: a namespace whose Websites hang does not keep a resync from the others', async () => {
  const cluster = clusterOf(40);
  const names = Array.from({ length: 20 }, (_, index) => `shop-${index}`);
  for (const name of names) cluster.apply({ namespace: 'team-b', name }, SPEC);
  const { promise: broken, resolve: mend } = Promise.withResolvers<void>();
  let hanging = 0;
  const getWebsite = cluster.getWebsite.bind(cluster);
  cluster.getWebsite = async (key) => {
    if (key.namespace === 'team-a') {
      hanging++;
      await broken;
    }
    return getWebsite(key);
  };
  const resync = resyncWebsites(contextOf(cluster));
  await eventually(async () => {
    for (const name of names) expect(await cluster.getChild('Deployment', { namespace: 'team-b', name })).toBeDefined();
  });
  expect(hanging).toBe(12);
  mend();
  expect(await resync).toMatchObject({ differing: 60, repaired: 60, unfinished: 0 });
});

it('P8: a resync keeps no more failures than its limit, and leaves the rest to the next one', async () => {
  const cluster = clusterOf(60);
  const tried = new Set<string>();
  cluster.getWebsite = async ({ name }) => {
    tried.add(name);
    throw new ClusterError('Unreachable', 'No route to host');
  };
  const context = contextOf(cluster);
  const limits = { failures: 20, retryAfterMs: [] };
  const first = await resyncWebsites(context, limits);
  // Each of the 16 at work may fail too.
  expect(first.unreached).toBeLessThan(20 + 16);
  expect(first).toMatchObject({ differing: 60, unfinished: 60 - first.unreached });
  for (let round = 0; round < 2; round++) await resyncWebsites(context, limits);
  expect(tried.size).toBe(60);
});

it('A resync whose host stops begins no further Website and leaves the rest to the next one', async () => {
  const cluster = clusterOf(40);
  const stopping = new AbortController();
  const tried = new Set<string>();
  const getWebsite = cluster.getWebsite.bind(cluster);
  cluster.getWebsite = async (key) => {
    tried.add(key.name);
    stopping.abort();
    return getWebsite(key);
  };
  const context = { ...contextOf(cluster), stopping: stopping.signal };
  const { repaired, unfinished } = await resyncWebsites(context);
  expect(repaired).toBe(tried.size);
  // One namespace has 12 of the 16 places.
  expect(unfinished).toBe(40 - 12);
});

it('A resync whose host stops does not wait to try failed Websites again, and counts them', async () => {
  const cluster = clusterOf(3);
  const stopping = new AbortController();
  let tries = 0;
  cluster.getWebsite = () => {
    tries++;
    return Promise.reject(new ClusterError('Unavailable', 'overloaded'));
  };
  const context = { ...contextOf(cluster), stopping: stopping.signal };
  const resync = resyncWebsites(context, { retryAfterMs: [3_600_000, 0] });
  await eventually(() => expect(tries).toBe(3));
  stopping.abort();
  expect(await resync).toMatchObject({ unreached: 3, unfinished: 0 });
  expect(tries).toBe(3);
});

it('A long resync logs its progress', async () => {
  const context = contextOf(clusterOf(1_000));
  expect(await resyncWebsites(context)).toEqual({
    seen: 1_000,
    differing: 1_000,
    repaired: 1_000,
    stalled: 0,
    failed: 0,
    unreached: 0,
    unfinished: 0,
  });
  expect(context.lines.filter((line) => line === 'Resyncing Websites')).toHaveLength(2);
});

it('A resync counts a Website that somebody has to correct as stalled, and skips it once its status says so', async () => {
  const cluster = clusterOf(1);
  cluster.apply({ namespace: 'team-a', name: 'bad' }, { ...SPEC, image: 'no image' });
  expect(await resyncWebsites(contextOf(cluster))).toMatchObject({ differing: 2, repaired: 1, stalled: 1, failed: 0 });
  expect(await resyncWebsites(contextOf(cluster))).toMatchObject({ seen: 2, differing: 0, repaired: 0, stalled: 0 });
});

it('A resync logs why it cannot write a status, and does not count the Website as one that differs', async () => {
  const cluster = clusterOf(2);
  await resyncWebsites(contextOf(cluster));
  cluster.rollOut();
  const updateStatus = cluster.updateStatus.bind(cluster);
  cluster.updateStatus = async (website) => {
    if (website.metadata.name === 'site-1') throw new ClusterError('PolicyDenied', 'not today');
    return updateStatus(website);
  };
  const context = contextOf(cluster);
  const warned: unknown[] = [];
  context.log.warn = (fields, message) => void warned.push([message, fields]);
  expect(await resyncWebsites(context)).toMatchObject({ differing: 1, repaired: 1, stalled: 0, failed: 0 });
  expect(warned).toEqual([
    [
      'The status is out of date',
      expect.objectContaining({
        name: 'site-1',
        eventReason: 'resync',
        error: expect.stringMatching(/^The status cannot be written \(Rejected\): not today/) as string,
      }),
    ],
  ]);
});

it('A resync logs once that neither a child nor the status can be written', async () => {
  const cluster = clusterOf(1);
  await resyncWebsites(contextOf(cluster));
  cluster.rollOut();
  await resyncWebsites(contextOf(cluster));
  cluster.apply({ namespace: 'team-a', name: 'site-0' }, { ...SPEC, port: 81 });
  cluster.replace = async () => Promise.reject(new ClusterError('InternalError', 'a child that fails'));
  cluster.updateStatus = async () => Promise.reject(new ClusterError('PolicyDenied', 'not today'));
  const context = contextOf(cluster);
  const warned: unknown[] = [];
  context.log.warn = (fields, message) => void warned.push([message, fields]);
  expect(await resyncWebsites(context, { retryAfterMs: [0] })).toMatchObject({ failed: 1 });
  expect(warned.filter((line) => JSON.stringify(line).includes('The status is out of date'))).toEqual([
    [
      'The status is out of date',
      expect.objectContaining({ error: expect.stringContaining('(Rejected): not today') as string }),
    ],
  ]);
});

it('A resync counts a Website that it cannot compare as failed, and reconciles the others', async () => {
  const cluster = clusterOf(3);
  const broken = {
    ...aWebsite({ metadata: { name: 'broken' } }),
    get spec(): unknown {
      throw new Error('A fault of ours');
    },
  };
  const getWebsite = cluster.getWebsite.bind(cluster);
  const listWebsites = cluster.listWebsites.bind(cluster);
  cluster.getWebsite = (key) => (key.name === 'broken' ? Promise.resolve(broken) : getWebsite(key));
  cluster.listWebsites = async function* () {
    yield [broken];
    yield* listWebsites();
  };
  const counts = { seen: 4, differing: 4, repaired: 3, failed: 1, unreached: 0 };
  expect(await resyncWebsites(contextOf(cluster))).toMatchObject(counts);
});

it('A resync reconciles large Websites after all others', async () => {
  const env = Array.from({ length: 4 }, (_, index) => ({ name: `V${index}`, value: 'x'.repeat(32_768) }));
  const cluster = new MemoryCluster();
  cluster.apply({ namespace: 'team-a', name: 'large' }, { ...SPEC, env });
  cluster.apply({ namespace: 'team-a', name: 'small' }, SPEC);
  const written: string[] = [];
  cluster.onWrite = ({ metadata }) => void written.push(metadata.name.split('-')[0] ?? '');
  expect(await resyncWebsites(contextOf(cluster))).toMatchObject({ differing: 2 });
  expect(new Set(written)).toEqual(new Set(['small', 'large']));
  expect(cluster.websites()).toHaveLength(2);
  expect(written[0]).toBe('small');
});

describe('A resync of Websites whose status names what their Pods say', () => {
  /** A Pod of each site, which waits for this reason. */
  const podsOf = (count: number, reason: string) =>
    Array.from({ length: count }, (_, index) => {
      const { metadata, ...pod } = aPod({ state: { waiting: { reason, message: 'not found' } } });
      return { ...pod, metadata: { ...metadata, labels: { ...metadata.labels, app: `site-${index}` } } };
    });

  async function stopped(count: number) {
    const cluster = clusterOf(count);
    cluster.pods = podsOf(count, 'ErrImagePull');
    let seconds = 0;
    const context = { ...contextOf(cluster), now: () => new Date(NOW.getTime() + seconds * 1_000) };
    await resyncWebsites(context);
    for (const child of cluster.children())
      if (child.kind === 'Deployment') cluster.edit(child, { status: { observedGeneration: 1 } });
    seconds = 60;
    await resyncWebsites(context);
    const visited: string[] = [];
    const getWebsite = cluster.getWebsite.bind(cluster);
    cluster.getWebsite = async (key) => {
      visited.push(key.name);
      return getWebsite(key);
    };
    return { cluster, context, visited };
  }
  const messages = (cluster: MemoryCluster) =>
    cluster.websites().map(({ status }) => status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '');

  it('looks at their Pods again, and counts none of them unless its cause has changed', async () => {
    const { cluster, context, visited } = await stopped(3);
    expect(await resyncWebsites(context)).toMatchObject({ seen: 3, differing: 0, repaired: 0, unfinished: 0 });
    expect(visited.toSorted()).toEqual(['site-0', 'site-1', 'site-2']);
    for (const message of messages(cluster)) expect(message).toContain('ImagePullBackOff');
    cluster.pods = podsOf(3, 'CreateContainerConfigError');
    expect(await resyncWebsites(context)).toMatchObject({ differing: 3, unfinished: 0 });
    for (const message of messages(cluster)) expect(message).toContain('CreateContainerConfigError');
  });

  it('repairs others first', async () => {
    const { cluster, context, visited } = await stopped(40);
    cluster.remove('Service', { namespace: 'team-a', name: 'site-39-service' });
    expect(await resyncWebsites(context)).toMatchObject({ differing: 1, repaired: 1 });
    expect(visited[0]).toBe('site-39');
  });

  it('counts only others as unfinished when its time is up', async () => {
    const { cluster, context, visited } = await stopped(3);
    expect(await resyncWebsites(context, { timeMs: -1 })).toMatchObject({ differing: 0, unfinished: 0 });
    cluster.remove('Service', { namespace: 'team-a', name: 'site-1-service' });
    expect(await resyncWebsites(context, { timeMs: -1 })).toMatchObject({ differing: 1, unfinished: 1 });
    expect(visited).toEqual([]);
  });

  it('looks at some of many, and at the others next time', async () => {
    const { context, visited } = await stopped(700);
    for (const more of [500, 200]) {
      const before = new Set(visited).size;
      expect(await resyncWebsites(context)).toMatchObject({ differing: 0, unfinished: 0 });
      expect(new Set(visited).size - before).toBe(more);
    }
  });
});

it('A resync compares Websites with large children from the lists too', async () => {
  const env = Array.from({ length: 4 }, (_, index) => ({ name: `V${index}`, value: 'x'.repeat(30_000) }));
  const cluster = clusterOf(3);
  cluster.apply({ namespace: 'team-a', name: 'large' }, { ...SPEC, env });
  for (const _ of [1, 2]) {
    await resyncWebsites(contextOf(cluster));
    cluster.rollOut();
  }
  const { reads } = cluster;
  expect(await resyncWebsites(contextOf(cluster))).toMatchObject({ seen: 4, differing: 0, repaired: 0 });
  expect(cluster.reads - reads).toBe(0);
});

it('A resync reads the children of each Website if a list is not in order', async () => {
  const cluster = clusterOf(4);
  for (const _ of [1, 2]) {
    await resyncWebsites(contextOf(cluster));
    cluster.rollOut();
  }
  cluster.remove('Deployment', { namespace: 'team-a', name: 'site-2-deployment' });
  const websites = cluster.websites();
  cluster.listWebsites = async function* () {
    yield websites.toReversed();
  };
  const { reads } = cluster;
  expect(await resyncWebsites(contextOf(cluster))).toMatchObject({ seen: 4, differing: 1, repaired: 1 });
  expect(cluster.reads - reads).toBeGreaterThanOrEqual(4 * (CHILD_KINDS.length + 1));
});

it.each<[string, object, (child: Child) => object]>([
  ['that is suspended and whose children lost our label', { suspend: true }, () => ({ labels: {} })],
  ['whose names belong to foreign children without our label', {}, () => ({ labels: {}, ownerReferences: [] })],
])(
  'A resync reads a Website %s, and counts it as differing only while there is something to write',
  async (_, spec, change) => {
    const cluster = clusterOf(1);
    const key = { namespace: 'team-a', name: 'site-0' };
    await resyncWebsites(contextOf(cluster));
    cluster.rollOut();
    cluster.apply(key, { ...SPEC, ...spec });
    for (const child of cluster.children()) {
      const metadata = { ...child.metadata, ...change(child) } as Child['metadata'];
      cluster.edit<Child>(child, { metadata });
    }
    expect(await resyncWebsites(contextOf(cluster))).toMatchObject({ differing: 1 });
    const context = contextOf(cluster);
    expect(await resyncWebsites(context)).toMatchObject({ seen: 1, differing: 0, repaired: 0, stalled: 0, failed: 0 });
    expect(context.lines).not.toContain('Reconciled Website');
  },
);

it('Two resyncs at once lead to the same state as one', async () => {
  const cluster = clusterOf(50);
  await Promise.all([resyncWebsites(contextOf(cluster)), resyncWebsites(contextOf(cluster))]);
  expect(await resyncWebsites(contextOf(cluster))).toMatchObject({ differing: 0 });
  expect(cluster.children()).toHaveLength(100);
});

it('P8: a resync of 10,000 Websites takes as little memory as one of a few pages', { timeout: 120_000 }, async () => {
  // Runs in a separate process, which would crash with a larger heap. The children of 10,000 Websites are 20 MB as text.
  const args = ['--max-old-space-size=40', 'test/resync/resync-large.ts', '10000'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...COMPILES_ALL } });
  expect(JSON.parse(stdout)).toMatchObject({ seen: 10_000, differing: 0 });
});
