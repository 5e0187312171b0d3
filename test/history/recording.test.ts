// The records of runs of the functions, on the model of the cluster.
import { beforeEach, expect, it, vi } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { Thinned } from '../../functions/telemetry/thinned.ts';
import { Places } from '../../functions/cluster/places.ts';
import { oneCluster, severalClusters } from '../../functions/clusters.ts';
import type { FunctionContext } from '../../functions/context.ts';
import { History } from '../../functions/history/history.ts';
import type { HistoryRecord, HistoryStore } from '../../functions/history/store.ts';
import { reconcileEvent } from '../../functions/reconcile-website.ts';
import { resyncClusters, resyncWebsites } from '../../functions/resync-websites.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW, SPEC } from '../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let cluster: MemoryCluster;
let written: HistoryRecord[];
let pruned: number[];
let context: FunctionContext;
beforeEach(() => {
  cluster = new MemoryCluster();
  written = [];
  pruned = [];
  const store: HistoryStore = {
    open: async () => {},
    add: async (records) => void written.push(...records),
    list: async () => [],
    prune: async (before) => pruned.push(before) && 0,
    close: async () => {},
  };
  context = {
    clusters: oneCluster(cluster),
    log: SILENT,
    thinned: new Thinned(SILENT),
    now: () => NOW,
    places: new Places(1),
    history: new History(store, { clusterName: 'west', days: 1 }, SILENT),
    config: { clusterName: 'west', replyEvents: false, webhookAllowedOrigins: [] },
  };
});

async function event(reason: string, given: object = {}): Promise<number> {
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason };
  const type = 'com.example.stable.website.changed';
  const { status } = await reconcileEvent(
    { specversion: '1.0', id: 'u.1', source: '/x', type, data, ...given },
    context,
  );
  return status;
}
async function settle(): Promise<void> {
  await event('spec-changed');
  cluster.rollOut();
  await event('child-drifted');
  written.length = 0;
}

it('A record says what was written, for which event, and with which outcome', async () => {
  cluster.apply(key, SPEC);
  expect(await event('spec-changed')).toBe(204);
  expect(written).toEqual([
    {
      at: NOW.getTime(),
      cluster: 'west',
      ...key,
      eventId: 'u.1',
      eventReason: 'spec-changed',
      outcome: 'waiting',
      reason: expect.any(String) as string,
      actions: ['create Deployment', 'create Service', 'update status'],
      changed: [],
      durationMs: expect.any(Number) as number,
    },
  ]);
});

it('A record has the paths of the changed fields, and no value', async () => {
  cluster.apply(key, { ...SPEC, env: [{ name: 'PASSWORD', value: 'hush-one' }] });
  await settle();
  cluster.apply(key, { ...SPEC, image: 'hush:two', env: [{ name: 'PASSWORD', value: 'hush-two' }] });
  await event('spec-changed');
  expect(written.map(({ changed }) => changed)).toEqual([
    ['Deployment spec.template.spec.containers[0].image', 'Deployment spec.template.spec.containers[0].env[0].value'],
  ]);
  expect(JSON.stringify(written)).not.toContain('hush');
});

it('A run for a Website that is as declared leaves no record', async () => {
  cluster.apply(key, SPEC);
  await settle();
  await event('retry');
  await resyncClusters(context.clusters.all, 'timer', context);
  expect(written).toEqual([]);
});

it('A record of a failed run says what it wrote before it failed', async () => {
  cluster.apply(key, SPEC);
  cluster.updateStatus = () => Promise.reject(new ClusterError('Unavailable', 'etcd is away'));
  expect(await event('spec-changed')).toBe(503);
  expect(written).toMatchObject([
    { outcome: 'failed', reason: 'Unavailable', actions: ['create Deployment', 'create Service'] },
  ]);
});

it('A run leaves one record, although its reply event cannot be built', async () => {
  cluster.apply(key, SPEC);
  const clusterName = 'a cluster whose name cannot be read';
  const config = Object.defineProperty({ ...context.config, replyEvents: true }, 'clusterName', {
    get: () => {
      throw new TypeError(clusterName);
    },
  });
  const error = vi.fn();
  context = { ...context, config, log: { ...SILENT, error } };
  expect(await event('spec-changed')).toBe(500);
  expect(written).toMatchObject([{ outcome: 'waiting' }]);
  expect(error.mock.calls).toMatchObject([
    [{ ...key, err: { message: clusterName } }, 'Could not build the reply event'],
  ]);
});

it('Failures for the same reason leave one record', async () => {
  cluster.getWebsite = () => Promise.reject(new ClusterError('Unreachable', 'away'));
  for (const _ of [1, 2, 3]) expect(await event('retry')).toBe(503);
  expect(written).toMatchObject([{ outcome: 'failed', reason: 'Unreachable', actions: [] }]);
});

it('A resync records its repairs and failures, and then deletes old records', async () => {
  cluster.apply(key, SPEC);
  cluster.apply({ namespace: 'team-a', name: 'bad' }, SPEC);
  const getWebsite = cluster.getWebsite.bind(cluster);
  cluster.getWebsite = async (asked) => {
    if (asked.name === 'bad') throw new ClusterError('Invalid', 'refused');
    return getWebsite(asked);
  };
  await resyncClusters(context.clusters.all, 'timer', context);
  expect(written).toMatchObject([
    { name: 'shop', eventReason: 'resync', outcome: 'waiting' },
    { name: 'bad', eventReason: 'resync', outcome: 'failed', reason: 'Invalid' },
  ]);
  expect(written[0]).not.toHaveProperty('eventId');
  expect(pruned).toEqual([NOW.getTime() - 24 * 3_600_000]);
});

/** A resync whose first status writes fail. It retries once. */
async function resyncWithoutStatus(failures: number): Promise<void> {
  const update = vi.spyOn(cluster, 'updateStatus');
  for (let attempt = 0; attempt < failures; attempt++)
    update.mockRejectedValueOnce(new ClusterError('Unavailable', 'overloaded'));
  await resyncWebsites({ ...context, cluster, resyncPlace: { last: undefined } }, { retryAfterMs: [0] });
}

it('A resync records what a run wrote before it failed, although a retry succeeds', async () => {
  cluster.apply(key, SPEC);
  await resyncWithoutStatus(1);
  expect(written).toMatchObject([
    { outcome: 'failed', reason: 'Unavailable', actions: expect.arrayContaining(['create Deployment']) as string[] },
    { outcome: 'waiting', actions: ['update status'] },
  ]);
});

it('A resync records each run that wrote something once, also if the retry fails', async () => {
  cluster.apply(key, SPEC);
  await resyncWithoutStatus(2);
  expect(written).toMatchObject([
    { outcome: 'failed', reason: 'Unavailable', actions: expect.arrayContaining(['create Deployment']) as string[] },
  ]);
});

it('A resync does not record a failure that wrote nothing and that a retry ends', async () => {
  cluster.apply(key, SPEC);
  vi.spyOn(cluster, 'getWebsite').mockRejectedValueOnce(new ClusterError('Unavailable', 'overloaded'));
  await resyncWithoutStatus(0);
  expect(written).toMatchObject([{ outcome: 'waiting' }]);
});

it('A resync deletes old records even if the cluster is unreachable', async () => {
  cluster.listWebsites = () => {
    throw new ClusterError('Unreachable', 'away');
  };
  await expect(resyncClusters(context.clusters.all, 'timer', context)).rejects.toThrow('away');
  expect(pruned).toHaveLength(1);
});

it('A record names the cluster if there are several', async () => {
  cluster.apply(key, SPEC);
  const contexts = new Map([['/x', 'aks-east']]);
  context = { ...context, clusters: await severalClusters(contexts, async () => ({ cluster })) };
  await event('spec-changed');
  expect(written).toMatchObject([{ cluster: 'aks-east' }]);
});

it('A record holds only texts that every database can store', async () => {
  cluster.apply(key, SPEC);
  await event('spec-changed', { id: `a\0b\ud800${'x'.repeat(1_000)}` });
  const [{ eventId = '' } = {}] = written;
  expect(eventId).toMatch(/^a\ufffdb\ufffdx+…$/);
  expect(Buffer.byteLength(eventId)).toBeLessThanOrEqual(128);
});

it('A record has at most 20 paths, and counts the others', async () => {
  const env = (value: string) => Array.from({ length: 50 }, (_, index) => ({ name: `N${index}`, value }));
  cluster.apply(key, { ...SPEC, env: env('a') });
  await settle();
  cluster.apply(key, { ...SPEC, env: env('b') });
  await event('spec-changed');
  expect(written[0]?.changed).toHaveLength(21);
  expect(written[0]?.changed.at(-1)).toBe('and 30 more');
});
