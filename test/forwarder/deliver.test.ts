import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP } from 'cloudevents';
import { Agent } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { deliver, type Notice, type SinkOptions } from '../../infra/forwarder/deliver.ts';

const notice: Notice = {
  kind: 'drifted',
  key: { namespace: 'team-a', name: 'shop' },
  uid: 'uid-1',
  id: 'uid-1.child-1.7',
  reason: 'child-drifted',
  childKind: 'Deployment',
};

const close: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(close.splice(0).map((each) => each()));
});

async function sink(listener: RequestListener, given: Partial<SinkOptions> = {}): Promise<SinkOptions> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agent = new Agent();
  close.push(
    () => agent.destroy(),
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { url, agent, cluster: 'test', mode: 'binary', timeoutMs: 5_000, ...given };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('An event', () => {
  it.each(['binary', 'structured'] as const)('is read by the SDK as it was meant, in %s mode', async (mode) => {
    let received: unknown;
    const options = await sink(
      (request, response) => {
        void (async () => {
          received = HTTP.toEvent({ headers: request.headers, body: await bodyOf(request) });
          response.writeHead(204).end();
        })();
      },
      { mode },
    );
    await deliver(notice, options);
    expect(received).toMatchObject({
      id: 'uid-1.child-1.7',
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
      },
    });
  });

  it('says nothing of a spec', async () => {
    let body = '';
    const options = await sink((request, response) => {
      void (async () => {
        body = await bodyOf(request);
        response.writeHead(204).end();
      })();
    });
    await deliver(notice, options);
    expect(Object.keys(JSON.parse(body) as object).toSorted()).toEqual([
      'apiVersion',
      'childKind',
      'kind',
      'name',
      'namespace',
      'reason',
      'uid',
    ]);
  });
});

describe('The answer', () => {
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
  ])('%d means %s', async (status, kind) => {
    let requests = 0;
    const options = await sink((_, response) => {
      requests++;
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    expect(await deliver(notice, options)).toMatchObject({ kind, status });
    // A redirect is never followed.
    expect(requests).toBe(1);
  });

  it('carries what the functions did, and when to look again', async () => {
    const headers = {
      'website-outcome': 'waiting',
      'website-actions': 'create Service',
      'website-requeue-after': '120',
    };
    const options = await sink((_, response) => response.writeHead(204, headers).end());
    expect(await deliver(notice, options)).toEqual({
      kind: 'accepted',
      status: 204,
      outcome: 'waiting',
      actions: 'create Service',
      requeueAfterSeconds: 120,
    });
  });

  it('may ask for time', async () => {
    const options = await sink((_, response) => response.writeHead(503, { 'retry-after': '9' }).end());
    expect(await deliver(notice, options)).toMatchObject({ kind: 'failed', retryAfterSeconds: 9 });
  });

  it('that does not come in time, or from nowhere, is a failure', async () => {
    const slow = await sink(() => {}, { timeoutMs: 50 });
    expect(await deliver(notice, slow)).toMatchObject({ kind: 'failed' });
    const nowhere = { ...slow, url: new URL('http://127.0.0.1:1/') };
    expect(await deliver(notice, nowhere)).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('127.0.0.1:1') as string,
    });
  });
});
