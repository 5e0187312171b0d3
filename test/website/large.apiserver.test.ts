// Websites that were stored before their variables had a total bound, up to the largest object that etcd stores.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { writeKubeconfigFor } from '../../infra/local/programs/kubeconfig.ts';
import { startOwnCluster, type OwnCluster } from '../faults/own-cluster.ts';
import { startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite, patchWebsite } from '../real-cluster.ts';
import { largest, specOf, withoutBound } from './large.ts';

const SMALL = { image: 'nginx:1', replicas: 0 };
/** Bytes that a Website leaves below etcd's limit: some have room for a short status, the last one for a whole status. */
const ROOMS = [200, 300, 400, 500, 600, 2_000];
const PROBLEM = 'spec.env: names and values must have at most 131072 characters in total';

let own: OwnCluster;
let namespace: string;
let functions: Program;
let url: URL;
const key = (name: string): WebsiteKey => ({ namespace, name });

beforeAll(async () => {
  own = await startOwnCluster({ controllers: 'off' });
  const { admin, kubeconfig, forwarderKubeconfig } = own;
  namespace = await createNamespace(admin, 'large');
  await createWebsite(admin, key('stored'), SMALL);
  await reconcile(key('stored'), { cluster: kubernetes(admin), now: () => new Date() });
  await withoutBound(admin, namespace, async () => {
    await patchWebsite(admin, key('stored'), { spec: specOf(200_000) });
    const most = await largest(admin, key('full'));
    await createWebsite(admin, key('full'), specOf(most));
    for (const room of ROOMS) await createWebsite(admin, key(`room-${room}`), specOf(most - room));
  });
  for (const name of ['a', 'b', 'c']) await createWebsite(admin, key(name), SMALL);
  const path = join(forwarderKubeconfig, '..', 'website-functions.kubeconfig');
  await writeKubeconfigFor('website-functions', { transport: admin, address: { kubeconfig }, path });
  functions = startFunctions({ KUBECONFIG: path, RESYNC_INTERVAL_SECONDS: '0' });
  url = new URL(String((await functions.line('Listening'))['url']));
}, 180_000);
afterAll(async () => {
  await functions.stop();
  await own.stop();
});

const cluster = () => kubernetes(own.admin);
const ready = async (name: string) =>
  (await cluster().getWebsite(key(name)))?.status?.conditions?.find(({ type }) => type === 'Ready');

/** The reasons of the Kubernetes Events of a Website. */
async function eventsOf(name: string): Promise<{ reason: string; note: string }[]> {
  const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
  const { items } = (await own.admin.json({ method: 'GET', path, what: 'list events' })) as {
    items: { reason: string; note: string; regarding: { kind: string; name: string } }[];
  };
  return items.filter(({ regarding }) => regarding.kind === 'Website' && regarding.name === name);
}

async function resync(): Promise<{ status: number; report: string | null }> {
  const response = await fetch(new URL('resync', url), { method: 'POST' });
  return { status: response.status, report: response.headers.get('website-resync') };
}

it('A resync settles all Websites of normal size, and counts those that are too large as stalled', async () => {
  // The report also counts Websites without room for any status.
  expect(await resync()).toEqual({
    status: 204,
    report: 'seen=11, differing=11, repaired=3, stalled=8, failed=0, unreached=0, unfinished=0',
  });
  for (const name of ['a', 'b', 'c']) expect(await ready(name)).toBeDefined();
});

it('A Website with too many variables is InvalidSpec and keeps its children', async () => {
  expect(await ready('stored')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
  expect((await ready('stored'))?.message).toContain(PROBLEM);
  const deployment = await cluster().getChild('Deployment', key('stored'));
  expect(deployment?.spec.template.spec?.containers[0]).not.toHaveProperty('env');
});

it('A Website with too many variables may be edited elsewhere and made smaller, but not larger', async () => {
  await patchWebsite(own.admin, key('stored'), { metadata: { labels: { team: 'a' } } });
  await patchWebsite(own.admin, key('stored'), { spec: { image: 'nginx:2' } });
  await expect(patchWebsite(own.admin, key('stored'), { spec: specOf(300_000) })).rejects.toThrow(
    'names and values must have at most 131072 characters in total',
  );
  await patchWebsite(own.admin, key('stored'), { spec: specOf(100_000) });
  await resync();
  expect(await ready('stored')).not.toMatchObject({ reason: 'InvalidSpec' });
});

it('A Website without room for the whole status gets a short one, if that fits', async () => {
  const forms = new Map<number, string[]>();
  for (const room of ROOMS) {
    const { conditions = [] } = (await cluster().getWebsite(key(`room-${room}`)))?.status ?? {};
    forms.set(
      room,
      conditions.map(({ type, reason }) => `${type}: ${reason}`),
    );
  }
  expect([...forms.values()]).toContainEqual(['Ready: InvalidSpec']);
  expect(forms.get(2_000)).toEqual(['Ready: InvalidSpec', 'Stalled: InvalidSpec']);
});

it('A Website without room for any status gets a Kubernetes Event, once in ten minutes, and the functions accept its event', async () => {
  expect(await ready('full')).toBeUndefined();
  const before = await eventsOf('full');
  const [event] = before;
  expect(event).toMatchObject({ reason: 'StatusNotWritten' });
  expect(event?.note).toContain(
    '(TooLarge): this Website is so large that its status does not fit: make spec.env, the labels or the annotations smaller',
  );
  const { uid, resourceVersion } = (await cluster().getWebsite(key('full')))?.metadata ?? {};
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key('full'), uid, resourceVersion };
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({
      specversion: '1.0',
      id: '1',
      source: '/x',
      type: 'com.example.stable.website.changed',
      data: { ...data, reason: 'first-seen' },
    }),
  });
  expect([response.status, response.headers.get('website-outcome')]).toEqual([204, 'stalled']);
  // Ten minutes may just have begun.
  expect((await eventsOf('full')).length).toBeLessThanOrEqual(before.length + 1);
});
