// Who owns the children after their Website is deleted and created again, or restored from a backup. The cluster's garbage
// collector can be stopped, and both programs run.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { API_VERSION, PLURAL, type Website, type WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { quietly } from '../kubernetes/kubectl.ts';
import { isAlive, suspend } from '../local/alive.ts';
import { startForwarder, startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite, patch, remove, removeWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { startOwnCluster, type OwnCluster } from './own-cluster.ts';
import type { Child } from '../../functions/website/children/kinds.ts';

const SPEC = { image: 'nginx:1', replicas: 1 };
const KINDS = ['Deployment', 'Service'] as const;

let cluster: OwnCluster;
let programs: Program[];
let restarted: ChildProcess | undefined;
let key: WebsiteKey;

beforeAll(async () => {
  cluster = await startOwnCluster();
  const functions = startFunctions({ KUBECONFIG: cluster.functionsKubeconfig, RESYNC_INTERVAL_SECONDS: '0' });
  programs = [functions];
  const sink = String((await functions.line('Listening'))['url']);
  const flags = ['--sink', sink, '--host', '127.0.0.1', '--port', '0'];
  programs.push(startForwarder(flags, { KUBECONFIG: cluster.forwarderKubeconfig }));
  for (const program of programs) await program.line('Listening');
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await cluster.stop();
  restarted?.kill('SIGKILL');
});
beforeEach(async () => {
  key = { namespace: await createNamespace(cluster.admin, 'owners'), name: 'shop' };
});
afterEach(async () => {
  resumeCollector();
  await removeWebsitesIn(cluster.admin, key.namespace);
});

/** A heavily loaded machine takes a while for a rollout. */
const LONG = { deadlineMs: 60_000 };
const create = (spec: object = SPEC) => createWebsite(cluster.admin, key, spec);
const website = async () => (await kubernetes(cluster.admin).getWebsite(key)) as Website;
const child = async (kind: Child['kind']) => (await kubernetes(cluster.admin).getChild(kind, key)) as Child;
const uids = async () => Promise.all(KINDS.map(async (kind) => (await child(kind)).metadata.uid));
const owners = async () =>
  Promise.all(KINDS.map(async (kind) => (await child(kind)).metadata.ownerReferences?.map(({ uid }) => uid)));
const pathOf = (kind: Child['kind']) => {
  const [group, plural] = kind === 'Deployment' ? ['apis/apps/v1', 'deployments'] : ['api/v1', 'services'];
  return `/${group}/namespaces/${key.namespace}/${plural}/shop-${kind.toLowerCase()}`;
};
const pods = async () => {
  const path = `/api/v1/namespaces/${key.namespace}/pods`;
  const { items } = (await cluster.admin.json({ method: 'GET', path, what: 'list pods' })) as { items: Website[] };
  return items.map(({ metadata: { uid } }) => uid);
};

async function isReady(): Promise<void> {
  await eventually(async () => {
    const { metadata, status } = await website();
    expect(status).toMatchObject({
      observedGeneration: metadata.generation,
      conditions: [{ type: 'Ready', status: 'True' }],
    });
  }, LONG);
}

async function isReadyAndOwnsAll(): Promise<void> {
  await isReady();
  const { uid } = (await website()).metadata;
  expect(await owners()).toEqual([[uid], [uid]]);
}

function collectorPid(): number {
  const pid = cluster.pids.get('kube-controller-manager');
  if (pid === undefined) throw new Error('There is no kube-controller-manager');
  return pid;
}
const suspendCollector = () => suspend(collectorPid());
const resumeCollector = () => process.kill(collectorPid(), 'SIGCONT');

/** Waits until the garbage collector has handled all earlier changes: it has collected an object that was created after them. */
async function collectorHasLooked(): Promise<void> {
  const path = `/api/v1/namespaces/${key.namespace}/configmaps`;
  const ownerReferences = [
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: '00000000-0000-0000-0000-000000000000' },
  ];
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sentinel', ownerReferences } };
  await cluster.admin.json({ method: 'POST', path, what: 'create configmaps', body });
  const get = () => cluster.admin.json({ method: 'GET', path: `${path}/sentinel`, what: 'get configmaps' });
  await eventually(async () => await expect(get()).rejects.toMatchObject({ code: 'NotFound' }), LONG);
}

/**
 * Kills the API server and starts it again with the same command. It starts once more when it ends at once: while nobody listens
 * on its port, a client that connects again and again may be given that very port for its own end.
 */
async function restartApiServer(): Promise<void> {
  const pid = restarted?.pid ?? cluster.pids.get('kube-apiserver');
  if (pid === undefined) throw new Error('There is no kube-apiserver');
  const [file = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  process.kill(pid, 'SIGKILL');
  await eventually(() => expect(isAlive(pid)).toBe(false));
  const start = () => spawn(file, args, { stdio: 'ignore' });
  restarted = start();
  await eventually(async () => {
    if (restarted?.exitCode !== null) restarted = start();
    await website();
  }, LONG);
}

describe('A Website that is deleted and created again', () => {
  beforeEach(async () => {
    await create();
    await isReadyAndOwnsAll();
  });

  it('adopts its old children without the garbage collector, which later leaves them alone', async () => {
    const before = { children: await uids(), pods: await pods() };
    await suspendCollector();
    await removeWebsite(cluster.admin, key);
    await create();
    await isReadyAndOwnsAll();
    expect(await uids()).toEqual(before.children);
    resumeCollector();
    await collectorHasLooked();
    await isReadyAndOwnsAll();
    expect({ children: await uids(), pods: await pods() }).toEqual(before);
  });

  it(
    "becomes ready although the collector's broken watch still shows it the old Website",
    { timeout: 180_000 },
    async () => {
      await suspendCollector();
      await restartApiServer();
      await removeWebsite(cluster.admin, key);
      await create({ ...SPEC, image: 'nginx:2' });
      resumeCollector();
      await isReadyAndOwnsAll();
      expect(await child('Deployment')).toMatchObject({
        spec: { template: { spec: { containers: [{ image: 'nginx:2' }] } } },
      });
    },
  );

  it('becomes ready each time while the garbage collector works', async () => {
    for (const replicas of [2, 3, 1]) {
      await removeWebsite(cluster.admin, key);
      await create({ ...SPEC, replicas });
      await isReadyAndOwnsAll();
      expect(await child('Deployment')).toMatchObject({ spec: { replicas }, status: { availableReplicas: replicas } });
    }
  });

  it("deletes the old Website's Ingress if it has no host itself", async () => {
    await patch(cluster.admin, `/apis/${API_VERSION}/namespaces/${key.namespace}/${PLURAL}/shop`, {
      spec: { host: 'shop.example.com' },
    });
    await eventually(async () => expect(await child('Ingress')).toBeDefined(), LONG);
    await isReady();
    await suspendCollector();
    await removeWebsite(cluster.admin, key);
    await create();
    await eventually(async () => expect(await child('Ingress')).toBeUndefined(), LONG);
    // A Deployment whose annotations changed is Ready when the Deployment controller has looked.
    resumeCollector();
    await isReadyAndOwnsAll();
  });
});

describe('A Website adopts the children of its name that have no owner reference', () => {
  it('after kubectl delete --cascade=orphan', async () => {
    await create();
    await isReadyAndOwnsAll();
    const before = { children: await uids(), pods: await pods() };
    const path = `/apis/${API_VERSION}/namespaces/${key.namespace}/${PLURAL}/shop`;
    await remove(cluster.admin, `${path}?propagationPolicy=Orphan`);
    await eventually(async () => expect(await kubernetes(cluster.admin).getWebsite(key)).toBeUndefined(), LONG);
    expect(await owners()).toEqual([undefined, undefined]);
    await create();
    await isReadyAndOwnsAll();
    expect({ children: await uids(), pods: await pods() }).toEqual(before);
  });

  it('after a restore from a backup that strips owner references and restores the children first', async () => {
    await create();
    await isReadyAndOwnsAll();
    const backup = await Promise.all(KINDS.map(child));
    await removeWebsite(cluster.admin, key);
    await eventually(async () => expect(await Promise.all(KINDS.map(child))).toEqual([undefined, undefined]), LONG);
    for (const { metadata, kind, apiVersion, spec } of backup) {
      const { name, labels, annotations } = metadata;
      const { clusterIP: _, clusterIPs: __, ...rest } = spec as unknown as Record<string, unknown>;
      const restored = { name, labels: { ...labels, 'velero.io/restore-name': 'nightly' }, annotations };
      await cluster.admin.json({
        method: 'POST',
        path: pathOf(kind).replace(/\/[^/]+$/, ''),
        what: 'restore',
        body: { apiVersion, kind, metadata: restored, spec: rest },
      });
    }
    await eventually(
      async () => expect(await child('Deployment')).toMatchObject({ status: { readyReplicas: 1 } }),
      LONG,
    );
    const before = { children: await uids(), pods: await pods() };
    await create();
    await isReadyAndOwnsAll();
    expect({ children: await uids(), pods: await pods() }).toEqual(before);
    expect((await child('Deployment')).metadata.labels).toMatchObject({ 'velero.io/restore-name': 'nightly' });
  });

  it('after somebody removed the owner reference by hand', async () => {
    await create();
    await isReadyAndOwnsAll();
    for (const kind of KINDS) await patch(cluster.admin, pathOf(kind), { metadata: { ownerReferences: null } });
    await eventually(isReadyAndOwnsAll, LONG);
  });
});

describe('A Website whose Service name belongs to another object', () => {
  /** The Service of the Website before it is there, with or without our label. */
  const take = async (labels: Record<string, string>) => {
    const spec = { selector: { app: 'other' }, ports: [{ port: 80 }] };
    const body = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop-service', labels }, spec };
    const path = pathOf('Service').replace(/\/[^/]+$/, '');
    await cluster.admin.json({ method: 'POST', path, what: 'create services', body });
    await create();
    await eventually(async () => {
      const { status } = await website();
      expect(status?.conditions?.[0]).toMatchObject({ reason: 'NameConflict' });
      // The Deployment has no more news, which could come in one event with those of the Service.
      expect(status?.availableReplicas).toBe(1);
    }, LONG);
  };

  it('is reconciled as soon as that Service is deleted, if it carries our label', async () => {
    await take({ 'app.kubernetes.io/managed-by': 'website-reconciler' });
    const { metadata } = await child('Service');
    await remove(cluster.admin, pathOf('Service'));
    await isReadyAndOwnsAll();
    // The log comes a little later than what it tells of.
    await eventually(() => {
      const events = programs[0]?.lines.map(({ eventId }) => String(eventId)) ?? [];
      expect(events.filter((id) => id.includes(metadata.uid))).not.toEqual([]);
    });
  });

  it('takes over the Service with the command in docs/status.md', async () => {
    await take({});
    const before = await child('Service');
    const command = /```sh\n(uid=.*?)```/s.exec(readFileSync('docs/status.md', 'utf8'))?.[1] ?? '';
    const kubectl = `kubectl() { "${inject('kubectl')}" --kubeconfig "${cluster.kubeconfig}" -n ${key.namespace} "$@"; }`;
    await quietly('sh', ['-ec', `${kubectl}\n${command}`]);
    await isReadyAndOwnsAll();
    expect((await child('Service')).metadata.uid).toBe(before.metadata.uid);
  });
});
