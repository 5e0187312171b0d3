// The doctor asks programs through the API server. The Pods have no kubelet, but real addresses of this machine.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { kubernetes, websitePath } from '../../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { VERSION } from '../../../functions/version.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { Finding } from '../../../infra/cli/doctor/finding.ts';
import { handledFinding } from '../../../infra/cli/doctor/handled.ts';
import { eventually } from '../../eventually.ts';
import { createNamespace, createWebsite, patch, remove } from '../../real-cluster.ts';
import { website } from '../cli.ts';

let admin: Transport;
const servers: Server[] = [];
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(async () => {
  for (const server of servers) server.close();
  await admin.close();
});

/** An address of this machine other than loopback, because the API server refuses to connect to loopback. */
const ADDRESS = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

/** A program that answers `/statusz` with this text, or 404. @returns its port. */
const program = async (answer: string | undefined): Promise<number> =>
  answering(({ url }) => (answer !== undefined && url === '/statusz' ? [200, answer] : [404, '']), ADDRESS);

async function answering(
  answer: (request: IncomingMessage) => readonly [status: number, body: string],
  address = '127.0.0.1',
): Promise<number> {
  const server = createServer((request, response) => {
    const [status, body] = answer(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
}

async function pod(namespace: string, component: 'functions' | 'forwarder', port: number): Promise<void> {
  const name = `website-${component}`;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': component };
  const ports = [{ name: 'http', containerPort: port }];
  const spec = { schedulerName: 'nobody', containers: [{ name: component, image: 'x', ports }] };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await admin.json({ method: 'POST', path, what: 'create pods', body: { metadata: { name, labels }, spec } });
  const conditions = [{ type: 'Ready', status: 'True' }];
  await patch(admin, `${path}/${name}/status`, {
    status: { phase: 'Running', podIP: ADDRESS, podIPs: [{ ip: ADDRESS }], conditions },
  });
}

async function doctor(...args: string[]): Promise<{ code: number; found: ReadonlyMap<string, Finding> }> {
  const { code, out } = await website(['doctor', '-o', 'json', ...args], { KUBECONFIG: inject('kubeconfig') });
  return { code, found: new Map((JSON.parse(out) as Finding[]).map((each) => [each.check, each])) };
}

/** The doctor's findings about an installation in its own namespace. */
const findings = async (namespace: string, ...args: string[]) =>
  (await doctor('--installation', namespace, ...args)).found;

const startedAt = () => new Date().toISOString();

it.skipIf(ADDRESS === undefined)(
  'The doctor asks the Pods of both programs for their release and their last resync',
  async () => {
    const namespace = await createNamespace(admin, 'doctor');
    const resync = { intervalSeconds: 600, lastCompleteAt: startedAt() };
    const said = JSON.stringify({ version: VERSION, startedAt: startedAt(), namespaces: [namespace], resync });
    await pod(namespace, 'functions', await program(said));
    await pod(namespace, 'forwarder', await program(JSON.stringify({ version: 'v0.0.1', startedAt: startedAt() })));
    const found = await findings(namespace);
    expect(found.get('functions')).toMatchObject({ state: 'ok', message: 'Pod website-functions: ready' });
    expect(found.get('resync')).toMatchObject({ state: 'ok', message: expect.stringContaining('ago') as string });
    expect(found.get('versions')).toMatchObject({
      state: 'problem',
      message: `the functions ${VERSION}, the forwarder v0.0.1, this program ${VERSION}`,
    });
    // The installation is limited to its namespace, so its rights in that namespace count.
    expect(found.get('rights of the functions')?.message).toContain(`get websites in ${namespace}`);
    expect(found.get('fence')).toMatchObject({ state: 'problem' });
  },
);

it.skipIf(ADDRESS === undefined)(
  'The doctor says why it could not ask a Pod, and recognizes a release without /statusz',
  async () => {
    const namespace = await createNamespace(admin, 'doctor');
    await pod(namespace, 'forwarder', await program(undefined));
    // No program listens on this port.
    await pod(namespace, 'functions', 1);
    const found = await findings(namespace);
    expect(found.get('versions')).toMatchObject({
      state: 'problem',
      message: expect.stringContaining('the forwarder an older release') as string,
    });
    expect(found.get('functions')).toMatchObject({
      state: 'unknown',
      message: expect.stringContaining('could not be asked') as string,
      toDo: expect.stringContaining('port-forward') as string,
    });
  },
);

it('Without Pods of the functions, the doctor asks for a URL', async () => {
  const found = await findings(await createNamespace(admin, 'doctor'));
  expect(found.get('functions')).toMatchObject({ state: 'unknown', toDo: expect.stringContaining('Azure') as string });
  for (const check of ['versions', 'resync'])
    expect(found.get(check)).toMatchObject({
      state: 'unknown',
      toDo: expect.stringContaining('--functions-url') as string,
    });
});

/** Stand-ins for a function app and its forwarder, in an installation where all else is healthy. */
async function onAzure(answer: (request: IncomingMessage) => readonly [status: number, body: string]) {
  const status = JSON.stringify({ program: 'forwarder', version: VERSION, startedAt: startedAt() });
  const forwarder = await answering(({ url }) => [200, url === '/statusz' ? status : 'ok']);
  // Other tests leave Websites in other namespaces.
  const namespaces = ['--namespaces', await createNamespace(admin, 'doctor')];
  const urls = { functions: await answering(answer), forwarder };
  const flags = Object.entries(urls).flatMap(([name, port]) => [`--${name}-url`, `http://127.0.0.1:${port}/`]);
  const { code, found } = await doctor(...namespaces, ...flags);
  const others = [...found].filter(([, { state }]) => state !== 'ok').map(([check, { state }]) => [check, state]);
  return { code, others: Object.fromEntries(others) as Record<string, string> };
}

it('The doctor reports functions on Azure as healthy, and what they do not say as unchecked', async () => {
  expect(await onAzure(({ url }) => [url === '/api/history' ? 401 : 404, ''])).toEqual({
    code: 0,
    others: { versions: 'unchecked', resync: 'unchecked' },
  });
});

it.each<[string, number, number, string]>([
  ['is stopped', 403, 3, 'problem'],
  ['does not start', 503, 3, 'problem'],
  ['has no such functions', 404, 4, 'unknown'],
  ['asks for a login first', 401, 4, 'unknown'],
])('The doctor reports an app on Azure that %s (%i)', async (_, status, code, state) => {
  expect(await onAzure(() => [status, ''])).toEqual({
    code,
    others: { functions: state, versions: 'unknown', resync: 'unknown' },
  });
});

it('The doctor reads from the lists of the API server when a Website changed last', async () => {
  const key = { namespace: await createNamespace(admin, 'doctor'), name: 'shop' };
  const { metadata } = await createWebsite(admin, key, { image: 'nginx', replicas: 1 });
  const after = (minutes: number) => new Date(Date.parse(metadata.creationTimestamp ?? '') + minutes * 60_000);
  // The API server keeps the times that a writer states, if another manager changes the object. So the last change is ten minutes
  // younger than the Website.
  const managedFields = metadata.managedFields?.map((entry) => ({ ...entry, time: after(10).toISOString() }));
  const path = `${websitePath(key)}?fieldManager=other`;
  await patch(admin, path, { metadata: { managedFields, labels: { changed: 'true' } } });
  const stateAfter = async (minutes: number) => (await handledFinding(admin, [key.namespace], after(minutes))).state;
  expect([await stateAfter(10.5), await stateAfter(12)]).toEqual(['ok', 'problem']);
});

it('The doctor finds a child that an orphaning deletion left, until another Website adopts it', async () => {
  const key = { namespace: await createNamespace(admin, 'doctor'), name: 'shop' };
  const context = { cluster: kubernetes(admin), now: () => new Date() };
  const spec = { image: 'nginx', replicas: 1 };
  await createWebsite(admin, key, spec);
  await reconcile(key, context);
  const namespaces = ['--namespaces', key.namespace];
  expect((await doctor(...namespaces)).found.get('children')).toMatchObject({ state: 'ok' });
  await remove(admin, `${websitePath(key)}?propagationPolicy=Orphan`);
  await eventually(async () =>
    expect((await doctor(...namespaces)).found.get('children')).toEqual({
      check: 'children',
      state: 'problem',
      message: `2 of 2 children have no owner: Deployment ${key.namespace}/shop-deployment, Service ${key.namespace}/shop-service`,
      toDo: expect.stringContaining('apply it again') as string,
    }),
  );
  await createWebsite(admin, key, spec);
  await reconcile(key, context);
  expect((await doctor(...namespaces)).found.get('children')).toMatchObject({ state: 'ok' });
  const list = { method: 'GET', path: `/apis/apps/v1/namespaces/${key.namespace}/deployments`, what: 'list' } as const;
  const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
  expect(await admin.json({ ...list, accept })).toMatchObject({ kind: 'PartialObjectMetadataList' });
});

it('--namespaces may have blanks, and the doctor checks each namespace once', async () => {
  const namespace = await createNamespace(admin, 'doctor');
  await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  const { found } = await doctor('--namespaces', ` ${namespace}, ${namespace}`);
  expect(found.get('Websites')?.message).toContain(' 1 Website');
});
