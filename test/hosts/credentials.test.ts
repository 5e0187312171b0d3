// The functions' own token expires or is revoked while they run.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { load } from '../../functions/cluster/credentials/kubeconfig-source.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { NAMESPACE } from '../../infra/local/programs/kubeconfig.ts';
import { eventually } from '../eventually.ts';
import { faultProxy } from '../faults/proxy.ts';
import { startFunctions } from '../program.ts';
import { createNamespace, createWebsite, remove, removeWebsitesIn } from '../real-cluster.ts';

let admin: Transport;
let key: WebsiteKey;
let folder: string;
const close: (() => unknown)[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  key = { namespace: await createNamespace(admin, 'tokens'), name: 'shop' };
  folder = mkdtempSync(join(tmpdir(), 'tokens-'));
  await createWebsite(admin, key, { image: 'nginx:1', replicas: 0 });
});
afterEach(async () => {
  for (const each of close.splice(0)) await each();
  await removeWebsitesIn(admin, key.namespace);
  rmSync(folder, { recursive: true });
});

/** Starts the functions. @returns a function that sends them an event. */
async function functionsOf(KUBECONFIG: string): Promise<() => Promise<Response>> {
  const host = startFunctions({ KUBECONFIG, RESYNC_INTERVAL_SECONDS: '0' });
  close.push(() => host.stop());
  const url = String((await host.line('Listening'))['url']);
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'x', reason: 'retry' };
  const event = { id: '1', specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed', data };
  const headers = { 'content-type': 'application/cloudevents+json' };
  return () => fetch(url, { method: 'POST', headers, body: JSON.stringify(event) });
}

/** A token of the functions that is valid while the Secret of this name exists. */
async function tokenBoundTo(name: string): Promise<{ token: string; revoke(): Promise<void> }> {
  const base = `/api/v1/namespaces/${NAMESPACE}`;
  const post = (path: string, body: object) =>
    admin.json({ method: 'POST', path: `${base}/${path}`, what: `create ${path}`, body });
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: `${key.namespace}-${name}` } };
  const { metadata } = (await post('secrets', secret)) as { metadata: { name: string; uid: string } };
  const spec = { boundObjectRef: { apiVersion: 'v1', kind: 'Secret', ...metadata } };
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const { status } = (await post('serviceaccounts/website-functions/token', request)) as { status: { token: string } };
  return { token: status.token, revoke: () => remove(admin, `${base}/secrets/${metadata.name}`) };
}

it('The functions answer 503 while their token is refused, and handle events with its replacement', async () => {
  const { caFile, server } = load({ kubeconfig: inject('kubeconfig') }).getCurrentCluster() ?? {};
  const [file, kubeconfig] = [join(folder, 'token'), join(folder, 'kubeconfig')];
  const [first, second] = [await tokenBoundTo('first'), await tokenBoundTo('second')];
  writeFileSync(file, first.token);
  // Like the token of a Pod.
  const user = { tokenFile: file };
  const config = {
    clusters: [{ name: 'x', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: 'x', user }],
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    'current-context': 'x',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const send = await functionsOf(kubeconfig);
  expect((await send()).status).toBe(204);
  await first.revoke();
  // The API server accepts a known token for some seconds without checking it.
  await eventually(async () => {
    const { status, headers } = await send();
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  });
  writeFileSync(file, second.token);
  expect((await send()).status).toBe(204);
  await second.revoke();
});

it('The functions repeat a request that got 401 once, and the run succeeds', async () => {
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  close.push(() => proxy.close());
  const send = await functionsOf(proxy.kubeconfig);
  proxy.add({ method: 'POST', path: /services/, fault: { answer: 401, reason: 'Unauthorized' }, times: 1 });
  expect((await send()).status).toBe(204);
  expect(await kubernetes(admin).getChild('Service', key)).toBeDefined();
  expect(proxy.requests.filter((request) => request.includes('POST') && request.includes('services'))).toHaveLength(2);
});
