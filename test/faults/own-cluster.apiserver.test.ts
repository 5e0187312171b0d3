// Faults of a whole cluster, so these tests have a control plane of their own. They share it, because each start takes seconds.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { install } from '../../infra/local/programs/install.ts';
import { eventually } from '../eventually.ts';
import { startFunctions } from '../program.ts';
import { createWebsite, patch, patchWebsite, remove, removeWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { startOwnCluster, type OwnCluster } from './own-cluster.ts';
import { faultProxy } from './proxy.ts';
import { settling } from './settle.ts';
import { isReady, openStage, websitesIn, type Stage } from './stage.ts';

const spec = { image: 'nginx:1', replicas: 0 };
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/websites.stable.example.com';

let folder: string;
let cluster: OwnCluster;
let stage: Stage;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'own-cluster-'));
  cluster = await startOwnCluster({ data: join(folder, 'data') });
});
afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  stage = await openStage(cluster, 'whole');
  settling(stage);
});
afterEach(async () => {
  // The connection of the stage leads to the control plane before a restart.
  await removeWebsitesIn(cluster.admin, stage.namespace);
  await stage.close();
});

const create = (name: string) => createWebsite(cluster.admin, stage.key(name), spec);
const scale = async (name: string, replicas: number) => {
  await patchWebsite(cluster.admin, stage.key(name), { spec: { replicas } });
};
const websites = () => websitesIn(cluster.admin, stage.namespace);
const last = (name: string) => stage.sink.accepted.findLast((event) => event.name === name);
/** After a long outage of the API server, the forwarder waits up to 30 s before the next try. */
const LONG = { deadlineMs: 90_000 };
const isToldOf = (name: string, type: string) => eventually(() => expect(last(name)?.type).toBe(type), LONG);
const areSettled = () =>
  eventually(async () => {
    for (const { metadata, status } of await websites()) expect(status?.observedGeneration).toBe(metadata.generation);
  });

it(
  'The forwarder reports all Websites deleted when the CRD is deleted, and watches again when the CRD returns',
  { timeout: 120_000 },
  async () => {
    const program = await stage.start();
    await isReady(program);
    for (const name of ['a', 'b']) await create(name);
    await isToldOf('b', 'changed');
    await remove(cluster.admin, CRD);
    for (const name of ['a', 'b']) await isToldOf(name, 'deleted');
    expect(await program.line('Watch is interrupted and will try again')).toMatchObject({ resource: 'websites' });
    await install(cluster.admin);
    await eventually(() => create('a'));
    await isToldOf('a', 'changed');
    await isReady(program);
  },
);

/** Stops the control plane, changes its data, and starts it again. The forwarder cannot reach it yet. */
async function restart(meanwhile: (etcd: string) => void): Promise<void> {
  await cluster.stop();
  meanwhile(join(folder, 'data', 'etcd'));
  cluster = await startOwnCluster({ data: join(folder, 'data') });
  settling({ ...stage, admin: cluster.admin });
}

/** After the restore, either each Website had an event for its state, or the forwarder requested a resync. */
async function isMadeGood({ events, at }: { events: number; at: number }): Promise<void> {
  const states = (await websites()).map(({ metadata: { name, uid, generation } }) => ({ name, uid, generation }));
  await eventually(() => {
    const resynced = stage.sink.resyncs.some((time) => time > at);
    const sent = new Set(stage.sink.accepted.slice(events).map(({ uid, generation }) => `${uid} ${generation}`));
    const missed = states.filter(({ uid, generation }) => !resynced && !sent.has(`${uid} ${generation}`));
    expect(missed).toEqual([]);
  }, LONG);
}

/** Moves the cluster's version on, with changes that no watch of a forwarder sees. */
async function advance(versions: number): Promise<void> {
  const path = `/api/v1/namespaces/${stage.namespace}`;
  for (let count = 1; count <= versions; count++)
    await patch(cluster.admin, path, { metadata: { labels: { count: String(count) } } });
}

it(
  'The forwarder detects an etcd restored from an older copy, even after the versions have caught up',
  { timeout: 240_000 },
  async () => {
    const copy = join(folder, 'copy');
    const program = await stage.start();
    await isReady(program);
    const before = ['changed-since', 'deleted-since', 'kept', 'replaced-since'];
    for (const name of before) await create(name);
    await areSettled();
    await restart((etcd) => cpSync(etcd, copy, { recursive: true }));
    await stage.api.moveTo(cluster.forwarderKubeconfig);

    for (const kind of ['behind', 'caught-up']) {
      const made = `made-since-${kind}`;
      await scale('changed-since', 1);
      await advance(100);
      for (const name of ['deleted-since', 'replaced-since']) await removeWebsite(cluster.admin, stage.key(name));
      await create('replaced-since');
      await create(made);
      await isToldOf('deleted-since', 'deleted');
      await isToldOf(made, 'changed');
      await areSettled();
      const replaced = last('replaced-since')?.uid;

      const restored = { events: stage.sink.accepted.length, at: performance.now() };
      await restart((etcd) => {
        rmSync(etcd, { recursive: true });
        cpSync(copy, etcd, { recursive: true });
      });
      // Past every version that the forwarder has seen, with changes among them that its watch would never see.
      if (kind === 'caught-up') {
        await scale('kept', 1);
        for (let replicas = 1; replicas <= 500; replicas++) await scale('busy', replicas).catch(() => create('busy'));
      }
      await stage.api.moveTo(cluster.forwarderKubeconfig);
      await isMadeGood(restored);
      await isToldOf(made, 'deleted');
      const gone = stage.sink.accepted.filter(({ type }) => type === 'deleted').map(({ uid }) => uid);
      expect(gone).toContain(replaced);
      await create(`after-${kind}`);
      await scale('kept', 2);
      const { generation } = (await websites()).find(({ metadata: { name } }) => name === 'kept')?.metadata ?? {};
      await eventually(() => expect(last('kept')).toMatchObject({ type: 'changed', generation }));
      await isToldOf(`after-${kind}`, 'changed');
      await isReady(program);
    }
  },
);

it('The functions reconcile again after the API server was down', { timeout: 120_000 }, async () => {
  const proxy = await faultProxy(cluster.kubeconfig);
  const host = startFunctions({
    KUBECONFIG: proxy.kubeconfig,
    RESYNC_INTERVAL_SECONDS: '0',
  });
  const url = String((await host.line('Listening'))['url']);
  const resync = async () => (await fetch(new URL('resync', url), { method: 'POST' })).status;
  await createWebsite(cluster.admin, stage.key('a'), { image: 'nginx:1', replicas: 1 });
  expect(await resync()).toBe(204);
  await restart(() => {});
  expect(await resync()).toBe(503);
  await proxy.moveTo(cluster.kubeconfig);
  await createWebsite(cluster.admin, stage.key('b'), { image: 'nginx:1', replicas: 1 });
  await eventually(async () => {
    expect(await resync()).toBe(204);
    const ready = (await websites()).map(({ status }) => status?.conditions?.find(({ type }) => type === 'Ready'));
    expect(ready.map((condition) => condition?.reason)).toEqual(['Available', 'Available']);
  }, LONG);
  expect(await host.stop()).toBe(0);
  await proxy.close();
});
