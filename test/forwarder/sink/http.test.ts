import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HTTP, type CloudEvent } from 'cloudevents';
import { afterEach, describe, expect, it } from 'vitest';
import { Troubles } from '../../../functions/cluster/troubles.ts';
import { httpSink } from '../../../infra/forwarder/sink/http.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import { eventOf, type WebsiteEvent } from '../../../infra/forwarder/event.ts';
import type { Delivery, Sink } from '../../../infra/forwarder/sink/sink.ts';
import type { HttpSinkConfig } from '../../../infra/forwarder/sink/config.ts';
import { authority } from '../../../infra/local/control-plane/certificates.ts';
import type { Reason } from '../../../functions/events/website-event.ts';
import type { Versions } from '../../../functions/website/children/kinds.ts';

const eventFor = (key: WebsiteKey, versions?: Versions, reason: Reason = 'child-drifted'): WebsiteEvent =>
  eventOf(
    {
      kind: 'drifted',
      key,
      uid: 'uid-1',
      id: 'uid-1.child-1.7',
      reason,
      childKind: 'Deployment',
      ...(versions === undefined ? {} : { versions }),
      time: '2026-01-02T03:04:05.678Z',
    },
    { cluster: 'test', extensions: {} },
  );
const shop = { namespace: 'team-a', name: 'shop' };
const event = eventFor(shop, { Deployment: '7' });

const close: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(close.splice(0).map((each) => each()));
});

async function sink(listener: RequestListener, given: Partial<HttpSinkConfig> = {}): Promise<Sink> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const opened = httpSink({ kind: 'http', url, mode: 'binary', credentials: {}, ...given }, 4, new Troubles());
  close.push(
    () => opened.close(),
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return opened;
}
const TIMEOUT_MS = 5_000;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('An event', () => {
  it.each(['binary', 'structured'] as const)(
    'in %s mode arrives in the CloudEvents SDK with all its attributes and data',
    async (mode) => {
      let received: unknown;
      const opened = await sink(
        (request, response) => {
          void (async () => {
            received = HTTP.toEvent({ headers: request.headers, body: await bodyOf(request) });
            response.writeHead(204).end();
          })();
        },
        { mode },
      );
      await opened.send(event, TIMEOUT_MS);
      expect(received).toMatchObject({
        id: 'uid-1.child-1.7',
        time: '2026-01-02T03:04:05.678Z',
        type: 'com.example.stable.website.drifted',
        source: '/clusters/test/apis/stable.example.com/v1',
        subject: '/apis/stable.example.com/v1/namespaces/team-a/websites/shop',
        partitionkey: 'team-a/shop',
        kind: 'Website',
        namespace: 'team-a',
        name: 'shop',
        apiversion: 'stable.example.com/v1',
        data: {
          kind: 'Website',
          namespace: 'team-a',
          name: 'shop',
          uid: 'uid-1',
          reason: 'child-drifted',
          childKind: 'Deployment',
          changed: ['Deployment'],
        },
      });
    },
  );

  it("has the operator's extensions percent-encoded in its headers", async () => {
    let received: string | string[] | undefined;
    const opened = await sink((request, response) => {
      received = request.headers['ce-team'];
      response.writeHead(204).end();
    });
    const notice = { kind: 'resync', id: '1', time: '2026-01-02T03:04:05.678Z' } as const;
    const added = eventOf(notice, { cluster: 'test', extensions: { team: 'Büro\r\nx: 100%' } });
    expect(await opened.send(added, TIMEOUT_MS)).toMatchObject({ kind: 'accepted' });
    expect(received).toBe('B%C3%BCro%0D%0Ax:%20100%25');
  });

  it.each([
    ['the change is not known', undefined],
    ['nothing has changed', {}],
  ])('does not say what changed if %s', (_, versions) => {
    expect(eventFor(shop, versions).data?.changed).toBeUndefined();
  });

  it('carries no spec', async () => {
    let body = '';
    const opened = await sink((request, response) => {
      void (async () => {
        body = await bodyOf(request);
        response.writeHead(204).end();
      })();
    });
    await opened.send(event, TIMEOUT_MS);
    expect(Object.keys(JSON.parse(body) as object).toSorted()).toEqual([
      'apiVersion',
      'changed',
      'childKind',
      'kind',
      'name',
      'namespace',
      'reason',
      'uid',
    ]);
  });
});

describe("The sink's answer", () => {
  it.each([
    [200, 'accepted'],
    [202, 'accepted'],
    [204, 'accepted'],
    [400, 'rejected'],
    [413, 'rejected'],
    [415, 'rejected'],
    [301, 'failed'],
    [307, 'failed'],
    [401, 'failed'],
    [403, 'failed'],
    [404, 'failed'],
    [408, 'failed'],
    [409, 'failed'],
    [429, 'failed'],
    [500, 'failed'],
    [503, 'failed'],
  ])('%d counts as %s', async (status, kind) => {
    let requests = 0;
    const opened = await sink((_, response) => {
      requests++;
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    expect(await opened.send(event, TIMEOUT_MS)).toMatchObject({ kind, status });
    // The sink does not follow redirects.
    expect(requests).toBe(1);
  });

  it('reports what the functions did, and when to look again', async () => {
    const headers = {
      'website-outcome': 'waiting',
      'website-actions': 'create Service',
      'website-versions': 'Website=12, Deployment=15, Sidecar=3, Service=none',
      'website-requeue-after': '120',
    };
    const opened = await sink((_, response) => response.writeHead(204, headers).end());
    expect(await opened.send(event, TIMEOUT_MS)).toEqual({
      kind: 'accepted',
      status: 204,
      outcome: 'waiting',
      actions: 'create Service',
      versions: { Website: '12', Deployment: '15' },
      requeueAfterSeconds: 120,
    });
  });

  it('may ask for time with Retry-After', async () => {
    const opened = await sink((_, response) => response.writeHead(503, { 'retry-after': '9' }).end());
    expect(await opened.send(event, TIMEOUT_MS)).toMatchObject({ kind: 'failed', retryAfterSeconds: 9 });
  });

  it.each([
    ['1e14', 3_600],
    ['99999999999999999999', 3_600],
    ['0', 1],
    ['0.001', 1],
    ['-5', undefined],
    ['1e400', undefined],
    ['NaN', undefined],
    ['soon', undefined],
  ])('that asks for another look after %s gets it after %s seconds', async (given, requeueAfterSeconds) => {
    const headers = { 'website-requeue-after': given };
    const opened = await sink((_, response) => response.writeHead(204, headers).end());
    expect(await opened.send(event, TIMEOUT_MS)).toEqual({
      kind: 'accepted',
      status: 204,
      ...(requeueAfterSeconds === undefined ? {} : { requeueAfterSeconds }),
    });
  });

  it('counts as failed when it does not come in time or the connection is refused', async () => {
    const slow = await sink(() => {});
    expect(await slow.send(event, 50)).toMatchObject({ kind: 'failed' });
    const nowhere = await sink(() => {}, { url: new URL('http://127.0.0.1:1/') });
    expect(await nowhere.send(event, TIMEOUT_MS)).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('127.0.0.1:1') as string,
    });
  });
});

describe('In batched mode', () => {
  /** Answers each request by the names of the Websites in it. */
  async function batchedSink(answer: (names: readonly string[]) => { status: number; body?: string }) {
    const batches: string[][] = [];
    const opened = await sink(
      (request, response) => {
        void (async () => {
          const events = HTTP.toEvent<{ name: string }>({ headers: request.headers, body: await bodyOf(request) });
          const names = (events as CloudEvent<{ name: string }>[]).map(({ data }) => data?.name ?? '');
          batches.push(names);
          const { status, body } = answer(names);
          response.writeHead(status, { 'retry-after': '9' }).end(body);
        })();
      },
      { mode: 'batched' },
    );
    const send = (name: string, timeoutMs = TIMEOUT_MS, attempt = 1, namespace = 'a') =>
      opened.send(eventFor({ namespace, name }), timeoutMs, attempt);
    const sendAs = (reason: Reason, name: string, namespace = 'a') =>
      opened.send(eventFor({ namespace, name }, undefined, reason), TIMEOUT_MS);
    const sendNew = (name: string) => sendAs('first-seen', name);
    return { batches, send, sendAs, sendNew };
  }
  const kindsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ kind }) => kind);
  const bodyWith = (replies: readonly { status: number; headers: Record<string, string> }[]) => JSON.stringify(replies);

  it('events of one turn of the event loop share a batch of up to four, and each gets its own answer', async () => {
    const answers: Record<string, { status: number; headers: Record<string, string> }> = {
      one: { status: 204, headers: { 'website-versions': 'Website=12', 'website-requeue-after': '120' } },
      two: { status: 503, headers: { 'retry-after': '3' } },
      three: { status: 400, headers: {} },
    };
    const { batches, send } = await batchedSink((names) => ({
      status: 503,
      body: bodyWith(names.map((name) => answers[name] ?? { status: 204, headers: {} })),
    }));
    const deliveries = await Promise.all(['one', 'two', 'three', 'four', 'five'].map((name) => send(name)));
    expect(batches.toSorted((one, other) => other.length - one.length)).toEqual([
      ['one', 'two', 'three', 'four'],
      ['five'],
    ]);
    expect(deliveries).toEqual([
      { kind: 'accepted', status: 204, versions: { Website: '12' }, requeueAfterSeconds: 120 },
      { kind: 'failed', status: 503, why: 'HTTP 503', retryAfterSeconds: 3 },
      { kind: 'rejected', status: 400, why: 'HTTP 400' },
      { kind: 'accepted', status: 204 },
      { kind: 'accepted', status: 204 },
    ]);
  });

  it.each([
    ['has a longer deadline than the others', 2 * TIMEOUT_MS, 1, 'a'],
    ['has failed before', TIMEOUT_MS, 2, 'a'],
    ['is of another namespace, where a webhook may hang,', TIMEOUT_MS, 1, 'b'],
  ])('an event that %s is sent alone', async (_, timeoutMs, attempt, namespace) => {
    const { batches, send } = await batchedSink(() => ({ status: 204 }));
    await Promise.all([send('one'), send('slow', timeoutMs, attempt, namespace), send('two')]);
    expect(batches.toSorted((one, other) => other.length - one.length)).toEqual([['one', 'two'], ['slow']]);
  });

  it('Websites that are gone share a batch, whatever their namespaces', async () => {
    const { batches, sendAs } = await batchedSink(() => ({ status: 204 }));
    await Promise.all([sendAs('deleted', 'one'), sendAs('deleted', 'two', 'b'), sendAs('spec-changed', 'three', 'b')]);
    expect(batches).toEqual([['one', 'two'], ['three']]);
  });

  it('new Websites share a batch, which no other event has to wait for', async () => {
    const { batches, send, sendNew } = await batchedSink(() => ({ status: 204 }));
    await Promise.all([sendNew('new'), send('one'), sendNew('newer'), send('two'), send('three')]);
    expect(batches.toSorted((one, other) => other.length - one.length)).toEqual([
      ['one', 'two', 'three'],
      ['new', 'newer'],
    ]);
  });

  it.each([
    ['no body', undefined],
    ['a body that is not JSON', '<html>'],
    ['too few answers', bodyWith([{ status: 204, headers: {} }])],
  ])('the answer of a sink that returns %s counts for all events of the batch', async (_, body) => {
    for (const [status, kind] of [
      [202, 'accepted'],
      [503, 'failed'],
    ] as const) {
      const { batches, send } = await batchedSink(() => ({ status, ...(body === undefined ? {} : { body }) }));
      const deliveries = await Promise.all([send('one'), send('two')]);
      expect([kindsOf(deliveries), batches]).toEqual([[kind, kind], [['one', 'two']]]);
    }
  });

  it.each([400, 413, 415])('a sink that refuses a batch with %d gets each event alone', async (status) => {
    const { batches, send } = await batchedSink((names) => ({ status: names.includes('bad') ? status : 204 }));
    const deliveries = await Promise.all([send('good'), send('bad'), send('fine')]);
    expect(kindsOf(deliveries)).toEqual(['accepted', 'rejected', 'accepted']);
    expect(batches).toHaveLength(4);
  });

  it('a batch without an answer fails every event in it', async () => {
    const opened = await sink(() => {}, { mode: 'batched', url: new URL('http://127.0.0.1:1/') });
    const deliveries = await Promise.all([opened.send(event, TIMEOUT_MS), opened.send(event, TIMEOUT_MS)]);
    expect(kindsOf(deliveries)).toEqual(['failed', 'failed']);
  });
});

it('K_CA_CERTS makes the forwarder trust a sink with a private certificate authority', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sink-ca-'));
  const ca = await authority(folder);
  const { certificate, key } = await ca.issue({ commonName: 'sink' });
  const server = createHttpsServer({ cert: certificate, key }, (_, response) => response.writeHead(204).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close.push(
    () => rmSync(folder, { recursive: true }),
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const trusting = await sink(() => {}, { url, caCertificates: ca.certificate });
  expect(await trusting.send(event, TIMEOUT_MS)).toMatchObject({ kind: 'accepted' });
  const other = await sink(() => {}, { url });
  expect(await other.send(event, TIMEOUT_MS)).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('certificate') as string,
  });
});
