import { once } from 'node:events';
import { createServer, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { Model } from '../../../infra/local/page/model.ts';
import { servePage } from '../../../infra/local/page/server.ts';
import type { Detail } from '../../../infra/local/page/shown.ts';
import { Stream } from '../../../infra/local/page/stream.ts';
import { eventually } from '../../eventually.ts';
import { aWebsite } from '../../fixtures/websites.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const NOTHING = { pods: [], children: [], events: [], generations: [], timeline: [], trouble: [] };

async function aPage(
  given: {
    limits?: ConstructorParameters<typeof Stream>[1];
    detail?: (key: object) => Promise<Detail>;
    port?: number;
    requestMs?: number;
  } = {},
) {
  const model = new Model('https://127.0.0.1:1');
  const stream = new Stream(model, given.limits);
  const detail = given.detail ?? (async () => ({ ...NOTHING, key: 'team-a/shop' }));
  const { server, url } = await servePage({ stream, detail }, given.port ?? 0, given);
  closing.push(() => {
    stream.end();
    server.close();
    server.closeAllConnections();
  });
  return { model, stream, server, url, port: Number(new URL(url).port) };
}

/** Sends a request that neither a browser nor `fetch` would send, on a connection of its own. */
async function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET') {
  const sent: ClientRequest = request({ host: '127.0.0.1', port, path, headers, method, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, headers: response.headers, body };
}

/** Follows the events of a page, as a browser does. */
async function follow(port: number) {
  const sent = request({ host: '127.0.0.1', port, path: '/events' });
  sent.end();
  sent.on('error', () => {});
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  response.on('data', (chunk: Buffer) => (text += chunk.toString()));
  response.on('error', () => {});
  const messages = () =>
    [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, event, data = '']) => ({
      event,
      data: JSON.parse(data) as { websites?: { key: string }[]; gone?: string[] },
    }));
  return { response, messages, leave: () => sent.destroy() };
}

it('Every answer has headers against foreign scripts, frames, type guessing and caching', async () => {
  const { port } = await aPage();
  for (const path of ['/', '/page.js', '/website?namespace=a&name=b', '/nothing']) {
    const { headers } = await ask(port, path);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    const policy = headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|http:/);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  }
});

it.each(['/', '/page.js', '/page.css', '/icon.svg', '/lit-html/lit-html.js', '/lit-html/directives/repeat.js'])(
  'The server serves %s with its type',
  async (path) => {
    const { port } = await aPage();
    const { status, headers, body } = await ask(port, path);
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^(text\/(html|css|javascript); charset=utf-8|image\/svg\+xml)$/);
    const head = await ask(port, path, {}, 'HEAD');
    expect(head).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': String(Buffer.byteLength(body)) },
    });
  },
);

it.each([
  '/package.json',
  '/../package.json',
  '/%2e%2e/server.ts',
  '/tsconfig.json',
  '/lit-html/../server.ts',
  '//etc/passwd',
  '/__proto__',
  '/constructor',
])('The server answers %s with 404', async (path) => {
  const { port } = await aPage();
  expect((await ask(port, path)).status).toBe(404);
});

it.each([
  'evil.example',
  'evil.example:8090',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '10.0.0.1',
  'localhost@evil.example',
])('The server refuses the Host header %j, which may come from DNS rebinding', async (host) => {
  const { port } = await aPage();
  for (const path of ['/', '/events', '/website?namespace=a&name=b'])
    expect(await ask(port, path, { host })).toMatchObject({ status: 403, body: expect.stringContaining('localhost') });
});

it.each(['localhost', 'localhost:8090', '127.0.0.1:8090', '[::1]:8090'])(
  'The server accepts the Host header %s',
  async (host) => {
    const { port } = await aPage();
    expect((await ask(port, '/', { host })).status).toBe(200);
  },
);

it('The server accepts only navigation from other web sites', async () => {
  const { port } = await aPage();
  const from = (site: string, mode: string) => ({ 'sec-fetch-site': site, 'sec-fetch-mode': mode });
  for (const site of ['cross-site', 'same-site'])
    for (const path of ['/', '/events', '/website?namespace=a&name=b'])
      expect((await ask(port, path, from(site, 'no-cors'))).status).toBe(403);
  expect((await ask(port, '/', from('cross-site', 'navigate'))).status).toBe(200);
  expect((await ask(port, '/page.js', from('same-origin', 'cors'))).status).toBe(200);
});

it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
  'The server refuses %s, because the page only reads',
  async (method) => {
    const { port } = await aPage();
    for (const path of ['/', '/events', '/website?namespace=a&name=b'])
      expect(await ask(port, path, {}, method)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  },
);

it.each([
  '',
  '?namespace=a',
  '?namespace=..&name=b',
  '?namespace=a&name=b%2Fc',
  `?namespace=a&name=${'x'.repeat(300)}`,
])('The server refuses the query %j, which names no Website', async (query) => {
  const { port } = await aPage({ detail: () => Promise.reject(new Error('never asked')) });
  expect((await ask(port, `/website${query}`)).status).toBe(400);
});

it('The server answers a failure with 500, and the next request as usual', async () => {
  const { port } = await aPage({ detail: () => Promise.reject(new Error('The API server is away')) });
  expect(await ask(port, '/website?namespace=a&name=b')).toMatchObject({
    status: 500,
    body: expect.stringContaining('The API server is away'),
  });
  expect((await ask(port, '/')).status).toBe(200);
});

it.each([
  ['bytes that are not HTTP', 'hello\r\n\r\n'],
  ['an invalid path', 'GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['endless headers', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
  ['two Host headers', 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n'],
  ['no Host header', 'GET / HTTP/1.0\r\n\r\n'],
  ['half a request', 'GET / HT'],
])('The server closes a connection with %s, and answers the next one', async (_, bytes) => {
  const { port } = await aPage();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end(bytes);
  socket.resume();
  await closed;
  expect((await ask(port, '/')).status).toBe(200);
});

/** Connections that send nothing but these bytes. */
async function opened(port: number, count: number, bytes: string): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () =>
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .resume(),
  );
  closing.push(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.all(sockets.map(async (socket) => once(socket, 'connect')));
  for (const socket of sockets) socket.write(bytes);
  return sockets;
}

const HALF_REQUESTS = [
  ['without a request', ''],
  ['with half a request', 'GET / HTTP/1.1\r\nHost: localhost\r\n'],
] as const;

it.each(HALF_REQUESTS)(
  '200 connections %s keep no browser out, and close neither pages nor requests',
  async (_, bytes) => {
    let answer: (() => void) | undefined;
    const slow = new Promise<void>((resolve) => (answer = resolve));
    const detail = async () => slow.then(() => ({ ...NOTHING, key: 'team-a/shop' }));
    const { port, model } = await aPage({ detail });
    const page = await follow(port);
    const waiting = ask(port, '/website?namespace=team-a&name=shop');
    for (let each = 0; each < 2; each++) {
      await opened(port, 200, bytes);
      expect((await ask(port, '/')).status).toBe(200);
    }
    answer?.();
    expect((await waiting).status).toBe(200);
    model.see(aWebsite());
    await eventually(() => expect(JSON.stringify(page.messages())).toContain('team-a/shop'));
  },
);

it.each(HALF_REQUESTS)('A connection %s is closed soon', async (_, bytes) => {
  const { server, port } = await aPage({ requestMs: 200 });
  await opened(port, 3, bytes);
  const connections = promisify(server.getConnections.bind(server));
  await eventually(async () => expect(await connections()).toBe(0), { deadlineMs: 5_000 });
});

it('Connections whose requests are answered keep no browser out', async () => {
  const { port } = await aPage();
  const kept = await opened(port, 128, 'GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await Promise.all(kept.map(async (socket) => once(socket, 'data')));
  expect((await ask(port, '/')).status).toBe(200);
});

it('If every connection has a request, a new one is closed', async () => {
  const { server, port } = await aPage({ detail: () => new Promise<never>(() => {}) });
  const asked = 'GET /website?namespace=a&name=b HTTP/1.1\r\nHost: localhost\r\n\r\n';
  await opened(port, 128, asked);
  await eventually(async () => expect(await promisify(server.getConnections.bind(server))()).toBe(128));
  await expect(ask(port, '/')).rejects.toThrow('socket hang up');
});

it('A page gets the whole state first, and then the changes', async () => {
  const { model, port } = await aPage();
  model.see(aWebsite());
  const page = await follow(port);
  await eventually(() =>
    expect(page.messages()).toMatchObject([{ event: 'snapshot', data: { websites: [{ key: 'team-a/shop' }] } }]),
  );
  model.see(aWebsite({ metadata: { name: 'blog' } }));
  model.forget('team-a/shop');
  await eventually(() =>
    expect(page.messages()[1]).toMatchObject({
      event: 'changes',
      data: { websites: [{ key: 'team-a/blog' }], gone: ['team-a/shop'] },
    }),
  );
});

it('The server refuses more pages than its limit, and accepts one again when another leaves', async () => {
  const { port, stream } = await aPage({ limits: { mostClients: 2 } });
  const first = await follow(port);
  await follow(port);
  expect((await ask(port, '/events')).status).toBe(503);
  first.leave();
  await eventually(() => expect(stream.size).toBe(1));
  expect((await follow(port)).response.statusCode).toBe(200);
});

/** Fills the model so that its state is larger than the system's buffers. */
const fill = (model: Model, version: number) => {
  for (let each = 0; each < 30_000; each++)
    model.see(
      aWebsite({ metadata: { name: `site-${each}` }, spec: { image: `${version}-${'x'.repeat(240)}`, replicas: 1 } }),
    );
};

async function withoutReading(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  return socket;
}

it('A slow page misses some changes, and then gets the newest state', async () => {
  const { model, port, stream } = await aPage();
  fill(model, 1);
  const slow = await withoutReading(port);
  await eventually(() => expect(stream.size).toBe(1));
  const other = await follow(port);
  for (const version of [2, 3, 4]) {
    model.see(aWebsite({ spec: { image: `last-${version}`, replicas: 1 } }));
    await eventually(() => expect(JSON.stringify(other.messages().at(-1))).toContain(`last-${version}`));
  }
  let text = '';
  slow.on('data', (chunk: Buffer) => (text += chunk.toString()));
  slow.resume();
  await eventually(() => expect(text).toContain('last-4'));
  expect(text).not.toContain('last-2');
  expect(text.match(/event: snapshot/g)).toHaveLength(2);
  slow.destroy();
});

it('A page that reads nothing is disconnected', async () => {
  const { model, port, stream } = await aPage({ limits: { stuckMs: 300 } });
  fill(model, 1);
  const stuck = await withoutReading(port);
  await eventually(() => expect(stream.size).toBe(1));
  await eventually(() => expect(stream.size).toBe(0));
  stuck.destroy();
});

it('Changes are not collected while no page is open', async () => {
  const { model } = await aPage();
  model.see(aWebsite());
  model.forget('team-a/shop');
  expect(model.changes()).toEqual({});
});

it('The server listens on loopback only', async () => {
  const { server } = await aPage();
  expect((server.address() as AddressInfo).address).toBe('127.0.0.1');
});

it('The error about a busy port names the flag', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  closing.push(() => other.close());
  const { port } = other.address() as AddressInfo;
  await expect(aPage({ port })).rejects.toThrow(`--page ${port} cannot be used: the port is in use`);
});

it('The server uses another port if the default port is busy', async () => {
  const parts = { stream: new Stream(new Model('')), detail: async () => ({ ...NOTHING, key: '' }) };
  const first = await servePage(parts, 'default');
  closing.push(() => first.server.close());
  const second = await servePage(parts, 'default');
  closing.push(() => second.server.close());
  expect(second.url).not.toBe(first.url);
  expect((await fetch(second.url)).status).toBe(200);
});
