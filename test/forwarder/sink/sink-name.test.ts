// A name may resolve to another address at any time, so the sink checks the address for every connection.
import { lookup } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { httpSink } from '../../../infra/forwarder/sink/http.ts';
import { storageQueueSink } from '../../../infra/forwarder/sink/storage-queue.ts';
import { eventOf } from '../../../infra/forwarder/event.ts';
import type { Sink } from '../../../infra/forwarder/sink/sink.ts';
import { ACCOUNT_KEY } from '../../azurite.ts';
import { NOTICE } from '../../fixtures/notices.ts';

vi.mock('node:dns', async (original) => ({ ...(await original<object>()), lookup: vi.fn() }));

const event = eventOf(NOTICE, { cluster: 'test', extensions: {} });

const sinks: [string, (url: URL) => Sink][] = [
  ['an HTTP sink', (url) => httpSink({ kind: 'http', url, mode: 'binary', credentials: {} }, 1)],
  ['a storage queue', (url) => storageQueueSink({ kind: 'storage-queue', url, accountKey: ACCOUNT_KEY })],
];

describe.each(sinks)('%s', (_kind, sinkAt) => {
  it.each([
    ['a metadata address', [{ address: '169.254.169.254', family: 4 }]],
    [
      'several addresses, one of them link-local',
      [
        { address: '127.0.0.1', family: 4 },
        { address: 'fe80::1%eth0', family: 6 },
      ],
    ],
    ['a metadata address embedded in IPv6', [{ address: '64:ff9b::a9fe:a9fe', family: 6 }]],
    ["Azure's own metadata address", [{ address: '168.63.129.16', family: 4 }]],
  ])('sends nothing to a name that resolves to %s', async (_, addresses) => {
    const resolved: LookupFunction = (_hostname, _options, callback) => callback(null, addresses);
    vi.mocked(lookup as unknown as LookupFunction).mockImplementation(resolved);
    const sink = sinkAt(new URL('http://sink.example.com:1/account/queue'));
    expect(await sink.send(event, 5_000)).toEqual({
      kind: 'failed',
      why: 'sink.example.com resolves to a link-local or metadata address',
    });
    await sink.close();
  });

  it('sends to a name that resolves to an allowed address', async () => {
    const server = createServer((_request, response) => response.writeHead(201).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const resolved: LookupFunction = (_hostname, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    vi.mocked(lookup as unknown as LookupFunction).mockImplementation(resolved);
    const { port } = server.address() as AddressInfo;
    const sink = sinkAt(new URL(`http://sink.example.com:${port}/account/queue`));
    expect(await sink.send(event, 5_000)).toMatchObject({ kind: 'accepted' });
    await sink.close();
    server.close();
  });

  it('does not follow a redirect, which could lead to any address', async () => {
    let asked = 0;
    const server = createServer((request, response) => {
      asked++;
      response.writeHead(307, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
      request.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const sink = sinkAt(new URL(`http://127.0.0.1:${port}/account/queue`));
    expect(await sink.send(event, 5_000)).toMatchObject({ kind: 'failed', status: 307 });
    expect(asked).toBe(1);
    await sink.close();
    server.close();
  });
});
