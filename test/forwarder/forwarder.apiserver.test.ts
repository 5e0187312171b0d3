// The forwarder as a program, against the real API server and a sink that can fail. The cases are those in which the best
// known bridge of this kind loses events.
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
/** Nothing of this test's namespace is answered before this. */
let gate: Promise<void>;
let attempts: number;
let resyncs: number;
/** What was accepted, in order. */
let accepted: { id: string; name: string; type: string; reason: string; changed: readonly string[] | undefined }[];
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
        const { reason = '', changed } = event.data ?? {};
        if (status < 300) accepted.push({ id: event.id, name: String(event['name']), type, reason, changed });
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

describe('P5: nothing is lost', () => {
  it('of what was there before the forwarder', async () => {
    await createAll();
    await start();
    await eventually(() => expect(delivered()).toEqual(names));
  });

  it.each([500, 503, 404, 429, 401, 302])('of what is made while the sink answers %d', async (failure) => {
    status = failure;
    await watching();
    await createAll();
    await eventually(() => expect(attempts).toBeGreaterThan(names.length));
    expect(accepted).toEqual([]);
    status = 204;
    await eventually(() => expect(delivered()).toEqual(names));
  });

  it('of what changed while the forwarder was down', async () => {
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

  it('of what is deleted while the sink is down', async () => {
    await createAll();
    await watching();
    await eventually(() => expect(delivered()).toEqual(names));
    status = 503;
    for (const name of names.slice(0, 3)) await removeWebsite(admin, { namespace, name });
    status = 204;
    await eventually(() => expect(delivered('deleted')).toEqual(names.slice(0, 3)));
  });
});

describe('What the sink knew when it answered', () => {
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

  it('is not sent again, and what came after is', async () => {
    // As if the sink had written the Deployment a moment later.
    replyHeaders = { 'website-versions': `Website=1, Deployment=${(await newestVersion()) + 1_000}` };
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

it('P8: a start over 1,000 settled Websites is one invocation', async () => {
  await inParallel(1_000, async (index) => {
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
  // What comes later comes after all that the list may have led to.
  await createWebsite(admin, { namespace, name: 'later' }, spec);
  await eventually(() => expect(accepted.map(({ name }) => name)).toEqual(['later']));
  expect([attempts, resyncs]).toEqual([1, 1]);
});

it('A change that happens now does not wait for all that the first list asks for', async () => {
  await createAll();
  let open = () => {};
  gate = new Promise((resolve) => (open = resolve));
  const health = await watching('--parallel', '1', '--namespaces', namespace);
  await eventually(() => expect(attempts).toBe(1));
  await createWebsite(admin, { namespace, name: 'live' }, spec);
  await patchWebsite(admin, { namespace, name: 'site-9' }, { spec: { replicas: 1 } });
  await eventually(async () => {
    const metrics = await (await fetch(new URL('metrics', health))).text();
    expect(metrics).toContain('website_forwarder_pending_keys{state="queued"} 10\n');
  });
  open();
  await eventually(() => expect(accepted).toHaveLength(11));
  const order = accepted.map(({ name }) => name);
  // The one at work, then by turns: one of the list, one that is live.
  expect(Math.max(order.indexOf('live'), order.indexOf('site-9'))).toBeLessThanOrEqual(4);
  // What a list reveals may not be all that has changed.
  const told = Object.fromEntries(accepted.map(({ name, changed }) => [name, changed]));
  expect(told).toMatchObject({ live: ['Website'], 'site-1': undefined, 'site-9': undefined });
});

it('A resend is the same event', async () => {
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

it('Numbers in an answer that cannot be meant keep nothing from the sink, and nothing is sent twice for them', async () => {
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
  await program?.line('Sink rejected event');
  await createWebsite(admin, { namespace, name: 'next' }, spec);
  await eventually(() => expect(attempts).toBe(2));
});

it(
  'The forwarder ends when it is told to, whatever the sink wants to see again later',
  { timeout: 20_000 },
  async () => {
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
  },
);

it('The forwarder says in /readyz which right it lacks, and goes on', async () => {
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

it('The forwarder names the flag when its port is busy', async () => {
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
  ['a kubeconfig that is not there', ['--sink', 'http://127.0.0.1:1/', '--kubeconfig', '/nowhere'], 1, '/nowhere'],
])('The forwarder ends at once with %s, and says so', async (_, args, code, message) => {
  const ended = startForwarder(args);
  expect(await ended.exit).toBe(code);
  expect(ended.stderr.join('')).toContain(message);
});
