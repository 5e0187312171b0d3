// The queue sink against Azurite, Microsoft's emulator of Azure Storage.
import type { QueueClient } from '@azure/storage-queue';
import { CloudEvent, type CloudEventV1 } from 'cloudevents';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventOf } from '../../../infra/forwarder/event.ts';
import { storageQueueSink } from '../../../infra/forwarder/sink/storage-queue.ts';
import { ACCOUNT, ACCOUNT_KEY, startAzurite, type Azurite } from '../../azurite.ts';
import { NOTICE } from '../../fixtures/notices.ts';

const event = eventOf(NOTICE, { cluster: 'test', extensions: {} });

let azurite: Azurite;
let queues = 0;
let url: URL;
let queue: QueueClient;

beforeAll(async () => void (azurite = await startAzurite()));
afterAll(() => azurite.stop());
beforeEach(async () => {
  const name = `websites-${++queues}`;
  url = azurite.urlOf(name);
  queue = await azurite.createQueue(name);
});

it('The sink puts a structured event in base64 into the queue, as the queue trigger expects', async () => {
  const sink = storageQueueSink({ kind: 'storage-queue', url, accountKey: ACCOUNT_KEY });
  expect(await sink.send(event, 5_000)).toEqual({ kind: 'accepted', status: 201 });
  const { receivedMessageItems } = await queue.receiveMessages();
  const text = Buffer.from(receivedMessageItems[0]?.messageText ?? '', 'base64').toString();
  const received = new CloudEvent(JSON.parse(text) as CloudEventV1<unknown>);
  expect(received).toMatchObject({
    id: 'uid-1.7',
    type: 'com.example.stable.website.changed',
    time: '2026-01-02T03:04:05.678Z',
    data: { namespace: 'team-a', name: 'shop', uid: 'uid-1' },
  });
});

it.each([
  ['the queue is missing', (given: URL) => new URL(`${given.href}-not`), ACCOUNT_KEY, 404, 'QueueNotFound'],
  ['the key is wrong', (given: URL) => given, 'AAAA', 403, 'AuthenticationFailed'],
])('A delivery fails and may be retried while %s', async (_, where, accountKey, status, why) => {
  const sink = storageQueueSink({ kind: 'storage-queue', url: where(url), accountKey });
  const delivery = await sink.send(event, 5_000);
  expect(delivery).toMatchObject({ kind: 'failed', status, why: expect.stringContaining(why) as string });
  // Azure's error message contains the signed string.
  expect(JSON.stringify(delivery)).not.toContain('x-ms-date');
});

it('A delivery fails and may be retried while the storage account does not answer', async () => {
  const nowhere = new URL(`http://127.0.0.1:1/${ACCOUNT}/websites`);
  const sink = storageQueueSink({ kind: 'storage-queue', url: nowhere, accountKey: ACCOUNT_KEY });
  expect(await sink.send(event, 5_000)).toMatchObject({ kind: 'failed' });
});
