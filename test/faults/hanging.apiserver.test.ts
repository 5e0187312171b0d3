// An admission webhook hangs for all Websites of one namespace: P7, with the programs as they ship.
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { startForwarder, startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite, patch, patchWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { startWebhook, type Webhook } from '../webhook.ts';
import { websitesIn } from './stage.ts';

/** More than the forwarder delivers at once. */
const SITES = Array.from({ length: 40 }, (_, index) => `site-${index}`);
/** Three quarters of the forwarder's 32 places, and of the functions' 32 calls. */
const MOST_OF_NAMESPACE = 24;
/** Three quarters of the 16 Websites that a resync works on at once. */
const MOST_IN_RESYNC = 12;
/** The API server waits so long at most, and a test has to be done by then. */
const TIMEOUT_SECONDS = 30;

let admin: Transport;
let broken: string;
let healthy: string;
let programs: Program[];
let sink: string;
let webhook: Webhook | undefined;
/** Writes that have begun to hang. */
let hanging: number;

beforeEach(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  [broken, healthy] = [await createNamespace(admin, 'broken'), await createNamespace(admin, 'healthy')];
  webhook = undefined;
  hanging = 0;
  const functions = startFunctions({
    KUBECONFIG: inject('functionsKubeconfig'),
    NAMESPACES: `${broken},${healthy}`,
    ALLOW_ANONYMOUS: '1',
    HOST: '127.0.0.1',
    PORT: '0',
  });
  programs = [functions];
  sink = String((await functions.line('Listening'))['url']);
  const forwarder = await watching();
  await createWebsite(admin, { namespace: healthy, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  await forEachSite((key) => createWebsite(admin, key, { image: 'nginx:1', replicas: 0 }));
  await becomeReady(healthy, 1);
  await becomeReady(broken, SITES.length);
  await forwarder.stop();
});
afterEach(async () => {
  await webhook?.close();
  await Promise.all(programs.map((program) => program.stop()));
  for (const namespace of [broken, healthy]) await removeWebsitesIn(admin, namespace);
  await admin.close();
});

const forEachSite = (work: (key: { namespace: string; name: string }) => Promise<unknown>) =>
  Promise.all(SITES.map((name) => work({ namespace: broken, name })));

async function expectImage(image: string, key: { namespace: string; name: string }): Promise<void> {
  const deployment = await kubernetes(admin).getChild('Deployment', key);
  expect(deployment?.spec.template.spec?.containers[0]?.image).toBe(image);
}

const becomeReady = (namespace: string, count: number) =>
  eventually(async () => {
    const conditions = (await websitesIn(admin, namespace)).flatMap(({ status }) => status?.conditions ?? []);
    expect(conditions.filter(({ type, status }) => type === 'Ready' && status === 'True')).toHaveLength(count);
  });

/** Starts the forwarder, and waits until it watches. */
async function watching(): Promise<Program> {
  const args = ['--sink', sink, '--namespaces', `${broken},${healthy}`, '--host', '127.0.0.1', '--port', '0'];
  const forwarder = startForwarder(args, { KUBECONFIG: inject('forwarderKubeconfig') });
  programs.push(forwarder);
  const { url } = await forwarder.line('Listening');
  await eventually(async () => expect((await fetch(new URL('readyz', String(url)))).status).toBe(200));
  return forwarder;
}

/** From now on, every write of a new image in the broken namespace hangs. */
async function hang(): Promise<void> {
  webhook = await startWebhook(admin, { namespace: broken, resource: 'deployments', timeoutSeconds: TIMEOUT_SECONDS });
  webhook.answer = () => ({ allowed: false, status: { message: 'not today' } });
  const path = `/apis/apps/v1/namespaces/${broken}/deployments/${SITES[0]}-deployment`;
  const change = () => patch(admin, path, { metadata: { labels: { a: 'b' } } });
  await eventually(() => expect(change()).rejects.toThrow('not today'));
  webhook.answer = (images) => {
    // The Deployment controller writes too.
    if (images === 'nginx:1') return { allowed: true };
    hanging++;
    return undefined;
  };
}

const change = (key: { namespace: string; name: string }) => patchWebsite(admin, key, { spec: { image: 'nginx:2' } });
const changeAgain = (key: { namespace: string; name: string }) =>
  patchWebsite(admin, key, { spec: { image: 'nginx:3' } });

async function expectHanging(count: number): Promise<void> {
  await eventually(() => expect(hanging, `failed: ${failures().join('\n')}`).toBe(count), {
    deadlineMs: TIMEOUT_SECONDS * 1_000,
  });
}
const failures = () =>
  programs.flatMap(({ text }) => text).filter((line) => /Could not (reconcile|deliver)/.test(line));

const expectShopChanged = () => eventually(() => expectImage('nginx:2', { namespace: healthy, name: 'shop' }));

it('A webhook that hangs for the Websites of one namespace does not delay a Website of another', async () => {
  await watching();
  await hang();
  await forEachSite(change);
  await expectHanging(MOST_OF_NAMESPACE);
  await change({ namespace: healthy, name: 'shop' });
  await expectShopChanged();
  expect(failures(), 'all others still hang').toEqual([]);
  expect(hanging).toBe(MOST_OF_NAMESPACE);
});

it('A webhook that also hangs for a resync does not delay a Website of another namespace, even if a list reveals the changes', async () => {
  await hang();
  await forEachSite(change);
  const resync = fetch(new URL('resync', sink), { method: 'POST' });
  await expectHanging(MOST_IN_RESYNC);
  await watching();
  await expectHanging(MOST_OF_NAMESPACE);
  await forEachSite(changeAgain);
  await change({ namespace: healthy, name: 'shop' });
  await expectShopChanged();
  expect(failures(), 'all others still hang').toEqual([]);
  expect(hanging).toBe(MOST_OF_NAMESPACE);
  await webhook?.close();
  webhook = undefined;
  expect((await resync).status).toBe(204);
});

it('A webhook that hangs for one namespace does not keep a resync from repairing another', async () => {
  await hang();
  await forEachSite(change);
  await change({ namespace: healthy, name: 'shop' });
  const resync = fetch(new URL('resync', sink), { method: 'POST' });
  await expectShopChanged();
  await expectHanging(MOST_IN_RESYNC);
  expect(failures(), 'all others still hang').toEqual([]);
  await webhook?.close();
  webhook = undefined;
  expect((await resync).status).toBe(204);
});
