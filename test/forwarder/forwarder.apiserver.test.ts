// The forwarder as a program, against the real API server and a sink that can fail. Comparable programs lose events in
// some of these cases.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP } from 'cloudevents';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { EventData } from '../../functions/events/website-event.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { eventually } from '../eventually.ts';
import { startForwarder, type Program } from '../program.ts';
import {
  createNamespace,
  createWebsite,
  patch,
  patchWebsite,
  remove,
  removeWebsite,
  removeWebsitesIn,
} from '../real-cluster.ts';
import { desiredChild } from '../fixtures/children.ts';

const spec = { image: 'nginx:1', replicas: 0 };
const names = Array.from({ length: 10 }, (_, index) => `site-${index}`);

let admin: Transport;
let namespace: string;
let sink: Server;
let url: string;
let status: number;
let replyHeaders: Record<string, string>;
/** The sink answers events of this test's namespace only after this. */
let gate: Promise<void>;
let attempts: number;
let resyncs: number;
/** What was accepted, in order. */
let accepted: ({ id: string; name: string; type: string; reason: string } & Pick<EventData, 'changed' | 'versions'>)[];
let program: Program | undefined;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());

beforeEach(async () => {
  namespace = await createNamespace(admin, 'forwarder');
  [status, attempts, resyncs, accepted] = [204, 0, 0, []];
  [replyHeaders, gate] = [{}, Promise.resolve()];
  sink = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const event = HTTP.toEvent<Partial<EventData>>({
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      if (!Array.isArray(event) && event.type.endsWith('.resync')) resyncs++;
      if (!Array.isArray(event) && event['namespace'] === namespace) {
        attempts++;
        await gate;
        const type = event.type.split('.').at(-1) ?? '';
        const { reason = '', changed, versions } = event.data ?? {};
        if (status < 300) accepted.push({ id: event.id, name: String(event['name']), type, reason, changed, versions });
      }
      response.writeHead(status, replyHeaders).end();
    })();
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  const code = await program?.stop();
  if (code) throw new Error(`The forwarder ended with ${code}`);
  program = undefined;
  sink.closeAllConnections();
  sink.close();
  await removeWebsitesIn(admin, namespace);
});

async function start(...flags: string[]): Promise<string> {
  program = startForwarder(['--sink', url, '--host', '127.0.0.1', '--port', '0', ...flags], {
    KUBECONFIG: inject('forwarderKubeconfig'),
  });
  return String((await program.line('Listening'))['url']);
}
async function watching(...flags: string[]): Promise<string> {
  const health = await start(...flags);
  await eventually(async () => expect((await fetch(new URL('readyz', health))).status).toBe(200));
  return health;
}
/** With as many at once as the API server takes well. */
async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (const index of indexes) await work(index);
    }),
  );
}
const createAll = () => Promise.all(names.map((name) => createWebsite(admin, { namespace, name }, spec)));
const delivered = (type = 'changed') =>
  [...new Set(accepted.filter((event) => event.type === type).map(({ name }) => name))].toSorted();

describe('P5: the forwarder loses no change', () => {
  it('made before it starts', async () => {
    await createAll();
    await start();
    await eventually(() => expect(delivered()).toEqual(names));
  });

  it.each([500, 503, 404, 429, 401, 302])('made while the sink answers %d', async (failure) => {
    status = failure;
    await watching();
    await createAll();
    await eventually(() => expect(attempts).toBeGreaterThan(names.length));
    expect(accepted).toEqual([]);
    status = 204;
    await eventually(() => expect(delivered()).toEqual(names));
  });

  it('made while it was not running', async () => {
    await createAll();
    await start();
    await eventually(() => expect(delivered()).toEqual(names));
    await program?.stop();
    accepted.length = 0;
    await patchWebsite(admin, { namespace, name: 'site-3' }, { spec: { replicas: 1 } });
    await createWebsite(admin, { namespace, name: 'late' }, spec);
    await start();
    await eventually(() => expect(delivered()).toEqual(expect.arrayContaining(['late', 'site-3'])));
  });

  it('that deletes a Website while the sink answers 503', async () => {
    await createAll();
    await watching();
    await eventually(() => expect(delivered()).toEqual(names));
    status = 503;
    for (const name of names.slice(0, 3)) await removeWebsite(admin, { namespace, name });
    status = 204;
    await eventually(() => expect(delivered('deleted')).toEqual(names.slice(0, 3)));
  });
});

describe('A change that the sink knew when it answered', () => {
  const label = (note: string) =>
    patch(admin, `/apis/apps/v1/namespaces/${namespace}/deployments/shop-deployment`, {
      metadata: { labels: { note } },
    });
  const drifts = () => accepted.filter(({ type }) => type === 'drifted').length;
  const superseded = async (forwarder: string) => {
    const text = await (await fetch(new URL('metrics', forwarder))).text();
    return Number(/^website_forwarder_superseded_total (\d+)$/m.exec(text)?.[1]);
  };

  const newestVersion = async () => {
    const path = '/apis/stable.example.com/v1/websites?limit=1';
    const { metadata } = (await admin.json({ method: 'GET', path, what: 'list' })) as {
      metadata: { resourceVersion: string };
    };
    return Number(metadata.resourceVersion);
  };

  it('leads to no event, and a later change does', async () => {
    // As if the sink had written the Deployment just before it answered. The writes of other tests count too.
    replyHeaders = { 'website-versions': `Website=1, Deployment=${(await newestVersion()) + 500_000}` };
    const forwarder = await watching();
    const website = await createWebsite(admin, { namespace, name: 'shop' }, spec);
    await eventually(() => expect(delivered()).toEqual(['shop']));
    await kubernetes(admin).create(desiredChild('Deployment', website));
    await label('known');
    await eventually(async () => expect(await superseded(forwarder)).toBeGreaterThan(0));
    expect(drifts()).toBe(0);

    replyHeaders = { 'website-versions': 'Website=1, Deployment=1' };
    await patchWebsite(admin, { namespace, name: 'shop' }, { spec: { replicas: 1 } });
    await eventually(() => expect(accepted.filter(({ reason }) => reason === 'spec-changed')).toHaveLength(1));
    await label('news');
    await eventually(() => expect(drifts()).toBeGreaterThan(0));
  });
});

it('An event about a new spec names the version of the Deployment', async () => {
  const key = { namespace, name: 'shop' };
  await watching();
  const website = await createWebsite(admin, key, spec);
  await kubernetes(admin).create(desiredChild('Deployment', website));
  let port = 8000;
  await eventually(async () => {
    accepted.length = 0;
    await patchWebsite(admin, key, { spec: { port: ++port } });
    await eventually(() => expect(accepted).not.toHaveLength(0));
    const { metadata } = (await kubernetes(admin).getChild('Deployment', key)) ?? {};
    expect(accepted).toContainEqual(
      expect.objectContaining({ reason: 'spec-changed', versions: { Deployment: metadata?.resourceVersion } }),
    );
  });
});

it('An event about a deleted Deployment says that it is gone', async () => {
  const key = { namespace, name: 'shop' };
  await watching();
  const website = await createWebsite(admin, key, spec);
  await kubernetes(admin).create(desiredChild('Deployment', website));
  await eventually(() => expect(accepted).not.toHaveLength(0));
  await remove(admin, `/apis/apps/v1/namespaces/${namespace}/deployments/shop-deployment`);
  await eventually(() =>
    expect(accepted).toContainEqual(
      expect.objectContaining({ type: 'drifted', changed: ['Deployment'], versions: { Deployment: null } }),
    ),
  );
});

it('P8: a start with more settled Websites than a page holds sends one resync request and no event', async () => {
  await inParallel(600, async (index) => {
    const website = await createWebsite(admin, { namespace, name: `site-${index}` }, spec);
    const settled = {
      observedGeneration: website.metadata.generation,
      conditions: [
        { type: 'Ready', status: 'True', reason: 'Parked', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
    };
    const path = `/apis/stable.example.com/v1/namespaces/${namespace}/websites/site-${index}/status`;
    await admin.json({ method: 'PUT', path, what: 'settle', body: { ...website, status: settled } });
  });
  await watching('--namespaces', namespace);
  await eventually(() => expect(resyncs).toBe(1));
  // Its event comes after all events that the list may have caused.
  await createWebsite(admin, { namespace, name: 'later' }, spec);
  await eventually(() => expect(accepted.map(({ name }) => name)).toEqual(['later']));
  expect([attempts, resyncs]).toEqual([1, 1]);
});

it('A live change overtakes the events of the first list', async () => {
  await createAll();
  let open = () => {};
  gate = new Promise((resolve) => (open = resolve));
  const health = await watching('--parallel', '1', '--namespaces', namespace);
  await eventually(() => expect(attempts).toBe(1));
  await createWebsite(admin, { namespace, name: 'live' }, spec);
  await patchWebsite(admin, { namespace, name: 'site-9' }, { spec: { replicas: 1 } });
  await eventually(async () => {
    const metrics = await (await fetch(new URL('metrics', health))).text();
    // With the request for a resync.
    expect(metrics).toContain('website_forwarder_pending_keys{state="queued"} 11\n');
  });
  open();
  await eventually(() => expect(accepted).toHaveLength(11));
  const order = accepted.map(({ name }) => name);
  // After the delivery in flight, the queue alternates between the list and live changes.
  expect(Math.max(order.indexOf('live'), order.indexOf('site-9'))).toBeLessThanOrEqual(4);
  // Events from a list do not say what changed, because the list may hide some of it.
  const told = Object.fromEntries(accepted.map(({ name, changed }) => [name, changed]));
  expect(told).toMatchObject({ live: ['Website'], 'site-1': undefined, 'site-9': undefined });
});

it('An event that is sent again keeps its id', async () => {
  status = 500;
  await watching();
  await createWebsite(admin, { namespace, name: 'again' }, spec);
  await eventually(() => expect(attempts).toBeGreaterThan(1));
  status = 204;
  await eventually(() => expect(accepted).toHaveLength(1));
  const website = (await admin.json({
    method: 'GET',
    path: `/apis/stable.example.com/v1/namespaces/${namespace}/websites/again`,
    what: 'get',
  })) as { metadata: { uid: string; resourceVersion: string } };
  expect(accepted[0]).toMatchObject({
    id: `${website.metadata.uid}.${website.metadata.resourceVersion}`,
    reason: 'first-seen',
  });
});

it('Absurd numbers in an answer suppress no event and repeat none', async () => {
  const [most, huge] = ['9'.repeat(20), '1e14'];
  replyHeaders = {
    'website-versions': `Website=${most}, Deployment=${most}, Service=${most}`,
    'website-requeue-after': huge,
    'retry-after': huge,
  };
  await watching();
  const key = { namespace, name: 'shop' };
  await createWebsite(admin, key, spec);
  await eventually(() => expect(attempts).toBe(1));
  for (const replicas of [1, 2, 3]) {
    await patchWebsite(admin, key, { spec: { replicas } });
    await eventually(() => expect(attempts).toBe(1 + replicas));
  }
  expect(new Set(accepted.map(({ id }) => id)).size).toBe(4);
  expect(program?.lines.filter(({ msg }) => msg === 'Could not handle change')).toEqual([]);
});

it('An event that the sink rejects is not sent again', async () => {
  status = 400;
  await watching();
  await createWebsite(admin, { namespace, name: 'refused' }, spec);
  await program?.line('Sink rejected event', { name: 'refused' });
  await createWebsite(admin, { namespace, name: 'next' }, spec);
  await eventually(() => expect(attempts).toBe(2));
});

it('SIGTERM ends the forwarder, even if the sink asked for another look later', async () => {
  let open = () => {};
  gate = new Promise((resolve) => (open = resolve));
  replyHeaders = { 'website-requeue-after': '600' };
  await watching();
  await createWebsite(admin, { namespace, name: 'at-work' }, spec);
  await eventually(() => expect(attempts).toBe(1));
  program?.process.kill('SIGTERM');
  await program?.line('Stopping');
  open();
  expect(await program?.exit).toBe(0);
  expect(accepted.map(({ name }) => name)).toEqual(['at-work']);
});

it('Further signals do not keep the forwarder from finishing its deliveries', async () => {
  let open = () => {};
  gate = new Promise((resolve) => (open = resolve));
  await watching();
  await createWebsite(admin, { namespace, name: 'at-work' }, spec);
  await eventually(() => expect(attempts).toBe(1));
  program?.process.kill('SIGINT');
  await program?.line('Stopping');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) program?.process.kill(signal);
  open();
  expect(await program?.exit).toBe(0);
  expect(program?.lines.filter(({ msg }) => msg === 'Stopping')).toHaveLength(1);
  expect(accepted.map(({ name }) => name)).toEqual(['at-work']);
});

it('/readyz names the right that the forwarder lacks, and the forwarder keeps running', async () => {
  // The functions may list Websites, and may not watch them.
  program = startForwarder(['--sink', url, '--host', '127.0.0.1', '--port', '0'], {
    KUBECONFIG: inject('functionsKubeconfig'),
  });
  const health = String((await program.line('Listening'))['url']);
  await eventually(async () => {
    const response = await fetch(new URL('readyz', health));
    expect(response.status).toBe(503);
    expect(await response.text()).toMatch(/websites: Could not watch websites: .*cannot watch resource "websites"/);
  });
  expect((await fetch(new URL('livez', health))).status).toBe(200);
});

it('The error names the flag when the port is busy', async () => {
  const port = String((sink.address() as AddressInfo).port);
  const ended = startForwarder(['--sink', url, '--host', '127.0.0.1', '--port', port], {
    KUBECONFIG: inject('forwarderKubeconfig'),
  });
  expect(await ended.exit).toBe(1);
  expect(ended.stderr.join('')).toContain(`port ${port}: the port is in use. Pass another --port`);
});

it.each([
  ['an unknown flag', ['--sinc', 'x'], 2, "Unknown option '--sinc'"],
  ['no sink', [], 2, '--sink (SINK, K_SINK)'],
  ['a missing kubeconfig', ['--sink', 'http://127.0.0.1:1/', '--kubeconfig', '/nowhere'], 1, '/nowhere'],
])('The forwarder ends at once with %s, and the error names it', async (_, args, code, message) => {
  const ended = startForwarder(args);
  expect(await ended.exit).toBe(code);
  expect(ended.stderr.join('')).toContain(message);
});
