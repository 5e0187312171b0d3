// A name may lead anywhere at any time, so what it leads to is looked at for every connection.
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { expect, it, vi } from 'vitest';
import { httpSink } from '../../infra/forwarder/deliver.ts';
import { eventOf } from '../../infra/forwarder/event.ts';

vi.mock('node:dns', async (original) => ({ ...(await original<object>()), lookup: vi.fn() }));

const event = eventOf(
  {
    kind: 'changed',
    key: { namespace: 'team-a', name: 'shop' },
    uid: 'uid-1',
    id: 'uid-1.7',
    reason: 'spec-changed',
    time: '2026-01-02T03:04:05.678Z',
  },
  { cluster: 'test', extensions: {} },
);

it.each([
  ['one address', [{ address: '169.254.169.254', family: 4 }]],
  [
    'one of several',
    [
      { address: '127.0.0.1', family: 4 },
      { address: 'fe80::1%eth0', family: 6 },
    ],
  ],
])('Nothing is sent to a name that leads to metadata by %s', async (_, addresses) => {
  const resolved: LookupFunction = (_hostname, _options, callback) => callback(null, addresses);
  vi.mocked(lookup as unknown as LookupFunction).mockImplementation(resolved);
  const url = new URL('http://sink.example.com:1/');
  const sink = httpSink({ kind: 'http', url, mode: 'binary', credentials: {} }, 1);
  expect(await sink.send(event, 5_000)).toEqual({
    kind: 'failed',
    why: 'sink.example.com leads to a link-local or metadata address',
  });
  await sink.close();
});
