// One host for several clusters. Two proxies in front of the control plane stand for two clusters, and show which one was asked.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { EVENT_TYPES, sourceOf } from '../../functions/events/website-event.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type FaultProxy } from '../faults/proxy.ts';
import { startFunctions, startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';

/** The source of events from an ApiServerSource. */
const API_SERVER = 'https://10.96.0.1:443';
const CLUSTERS = JSON.stringify({ west: 'the-west', east: 'the-east', [API_SERVER]: 'the-east', broken: 'broken' });

let admin: Transport;
let folder: string;
let namespace: string;
let west: FaultProxy;
let east: FaultProxy;
let host: Program;
let url: string;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  folder = mkdtempSync(join(tmpdir(), 'clusters-'));
  [west, east] = [await faultProxy(inject('functionsKubeconfig')), await faultProxy(inject('functionsKubeconfig'))];
  host = startFunctions({ KUBECONFIG: kubeconfig(), CLUSTERS, REPLY_EVENTS: '1', RESYNC_INTERVAL_SECONDS: '0' });
  url = String((await host.line('Listening'))['url']);
});
beforeEach(async () => {
  namespace = await createNamespace(admin, 'clusters');
  for (const proxy of [west, east]) proxy.requests.length = 0;
  host.lines.length = 0;
});
afterEach(async () => {
  for (const proxy of [west, east]) proxy.heal();
  await removeWebsitesIn(admin, namespace);
});
afterAll(async () => {
  await host.stop();
  await Promise.all([west.close(), east.close(), admin.close()]);
  rmSync(folder, { recursive: true });
});

/** The plugin does not exist at first. */
const plugin = () => join(folder, 'plugin');

function kubeconfig(): string {
  const context = (name: string, server: string, user: object) => ({
    cluster: { name, cluster: { server, 'insecure-skip-tls-verify': true } },
    user: { name, user },
    context: { name, context: { cluster: name, user: name } },
  });
  const contexts = [
    context('the-west', west.url, { token: 'the-proxy-has-its-own' }),
    context('the-east', east.url, { token: 'the-proxy-has-its-own' }),
    context('broken', east.url, { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin() } }),
  ];
  const path = join(folder, 'kubeconfig');
  const of = <Kind extends 'cluster' | 'user' | 'context'>(kind: Kind) => contexts.map((each) => each[kind]);
  writeFileSync(path, JSON.stringify({ clusters: of('cluster'), users: of('user'), contexts: of('context') }));
  return path;
}

const eventOf = (name: string, source: string, type: string = EVENT_TYPES.changed) => ({
  id: '1',
  specversion: '1.0',
  source,
  type,
  subject: `/apis/stable.example.com/v1/namespaces/${namespace}/websites/${name}`,
  data: { apiVersion: 'stable.example.com/v1', kind: 'Website', namespace, name, uid: 'x', reason: 'retry' },
});
function send(body: object): Promise<Response> {
  const type = Array.isArray(body) ? 'application/cloudevents-batch+json' : 'application/cloudevents+json';
  return fetch(url, { method: 'POST', headers: { 'content-type': type }, body: JSON.stringify(body) });
}
const create = (name: string) => createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 0 });
const serviceOf = (name: string) => kubernetes(admin).getChild('Service', { namespace, name });
const asked = () => ({ west: west.requests.length > 0, east: east.requests.length > 0 });

it.each([
  ['the name west', sourceOf('west'), EVENT_TYPES.changed, { west: true, east: false }],
  ['the name east', sourceOf('east'), EVENT_TYPES.changed, { west: false, east: true }],
  ['the URL of its API server', API_SERVER, 'dev.knative.apiserver.resource.update', { west: false, east: true }],
])('An event goes to the cluster that its source names by %s', async (_, source, type, clusters) => {
  await create('shop');
  const reply = await send(eventOf('shop', source, type));
  expect([reply.status, reply.headers.get('ce-source')]).toEqual([200, source]);
  expect(asked()).toEqual(clusters);
  expect(await serviceOf('shop')).toBeDefined();
  const { cluster } = await host.line('Reconciled Website', { namespace });
  expect(cluster).toBe(clusters.west ? 'the-west' : 'the-east');
});

it.each([sourceOf('north'), 'https://10.96.0.1', '/clusters/west', 'west', 'the-west', 'https://10.96.0.1:443/'])(
  'An event with the unknown source %s is refused with 400, and no cluster is asked',
  async (source) => {
    const events = [eventOf('shop', source), eventOf('shop', source, EVENT_TYPES.resync)];
    for (const event of events) {
      const reply = await send(event);
      expect([reply.status, reply.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
      expect(await reply.json()).toMatchObject({ detail: expect.stringMatching(/^CloudEvent source: /) as string });
    }
    expect(asked()).toEqual({ west: false, east: false });
    expect(await host.line('Refused event of unknown cluster', { source })).toMatchObject({ level: 40 });
  },
);

it('An event of an unknown cluster does not keep the other events of its batch from being handled', async () => {
  await create('shop');
  const reply = await send([eventOf('shop', sourceOf('north')), eventOf('shop', sourceOf('west'))]);
  expect([reply.status, await reply.json()]).toMatchObject([400, [{ status: 400 }, { status: 200 }]]);
  expect(await serviceOf('shop')).toBeDefined();
});

it('A batch gets 503 if one of its events does, whatever the others get', async () => {
  const reply = await send(['north', 'broken', 'west'].map((cluster) => eventOf('none', sourceOf(cluster))));
  expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await reply.json()).toMatchObject([
    { status: 400 },
    { status: 503, headers: { 'retry-after': '1' } },
    { status: 200 },
  ]);
});

it('A resync request acts on the cluster that sent it, and a timer on all clusters', async () => {
  await send(eventOf('shop', sourceOf('west'), EVENT_TYPES.resync));
  expect(asked()).toEqual({ west: true, east: false });
  west.requests.length = 0;
  await send(eventOf('shop', '/apis/v1/namespaces/x/pingsources/y', 'dev.knative.sources.ping'));
  expect(asked()).toEqual({ west: true, east: true });
  // The log line follows the answer. Wait for it, so that it does not appear in the next test.
  await host.line('Could not resync Websites', { cluster: 'broken' });
});

it('An unreachable cluster does not keep the others from their resync, and is logged', async () => {
  east.add({ path: /./, fault: { answer: 503 } });
  await create('shop');
  const reply = await fetch(new URL('resync', url), { method: 'POST' });
  expect(reply.status).toBe(503);
  expect(await serviceOf('shop')).toBeDefined();
  await eventually(() => {
    const failed = host.lines.filter(({ msg }) => msg === 'Could not resync Websites').map(({ cluster }) => cluster);
    expect(failed).toHaveLength(2);
    expect(failed).toEqual(expect.arrayContaining(['broken', 'the-east']));
  });
});

it('All clusters share the places of MAX_CONCURRENT', async () => {
  const settings = { KUBECONFIG: kubeconfig(), CLUSTERS, MAX_CONCURRENT: '1', RESYNC_INTERVAL_SECONDS: '0' };
  const program = startFunctions(settings);
  const at = String((await program.line('Listening'))['url']);
  const headers = { 'content-type': 'application/cloudevents+json' };
  const post = (cluster: string) =>
    fetch(at, { method: 'POST', headers, body: JSON.stringify(eventOf('shop', sourceOf(cluster))) });
  west.add({ path: /./, fault: { freeze: true } });
  const atWork = post('west');
  await eventually(() => expect(asked()).toEqual({ west: true, east: false }));
  expect((await post('east')).status).toBe(429);
  west.heal();
  expect((await atWork).status).toBe(503);
  expect((await post('east')).status).toBe(204);
  expect(await program.stop()).toBe(0);
});

it('A cluster with failing credentials is logged, and works once they are available', async () => {
  const event = eventOf('shop', sourceOf('broken'));
  const refused = await send(event);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  const { error, cluster } = await host.line('Could not reconcile Website', { namespace });
  expect([error, cluster]).toEqual([expect.stringContaining(plugin()), 'broken']);
  const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'x' } };
  writeFileSync(plugin(), `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`, { mode: 0o700 });
  expect((await send(event)).status).toBe(200);
  expect(asked()).toEqual({ west: false, east: true });
});

it('The functions do not start if the kubeconfig lacks a context of CLUSTERS', async () => {
  const program = startFunctions({ KUBECONFIG: kubeconfig(), CLUSTERS: '{"north":"the-north"}' });
  expect(await program.exit).toBe(1);
  expect(program.stderr.join('')).toContain('no context the-north; it has the-west, the-east, broken');
});

it('On Azure, an event goes to its own cluster, and the timer resyncs all clusters', async () => {
  const settings = { KUBECONFIG: kubeconfig(), CLUSTERS: '{"west":"the-west","east":"the-east"}' };
  const worker = startProgram('test/hosts/azure-worker.ts', [], settings);
  const at = String((await worker.line('Listening'))['url']);
  const headers = { 'content-type': 'application/cloudevents+json' };
  const post = (source: string) =>
    fetch(at, { method: 'POST', headers, body: JSON.stringify(eventOf('shop', sourceOf(source))) });
  expect([(await post('east')).status, asked()]).toEqual([204, { west: false, east: true }]);
  expect((await post('north')).status).toBe(400);
  east.requests.length = 0;
  expect((await fetch(new URL('resync', at), { method: 'POST' })).status).toBe(204);
  expect(asked()).toEqual({ west: true, east: true });
  await worker.stop();
});
