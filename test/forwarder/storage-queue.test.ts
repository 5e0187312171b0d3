// The queue sink against Azurite, Microsoft's emulator of Azure Storage.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueueClient, StorageSharedKeyCredential } from '@azure/storage-queue';
import { CloudEvent, type CloudEventV1 } from 'cloudevents';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventOf } from '../../infra/forwarder/event.ts';
import { storageQueueSink } from '../../infra/forwarder/storage-queue.ts';

/** Published with the emulator; it opens nothing else. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const notice = {
  kind: 'changed',
  key: { namespace: 'team-a', name: 'shop' },
  uid: 'uid-1',
  id: 'uid-1.7',
  reason: 'spec-changed',
  time: '2026-01-02T03:04:05.678Z',
} as const;
const event = eventOf(notice, { cluster: 'test', extensions: {} });

let azurite: ChildProcess;
let origin: string;
let folder: string;
let queues = 0;
let url: URL;
let queue: QueueClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'azurite-'));
  const program = createRequire(import.meta.url).resolve('azurite/dist/src/queue/main.js');
  const flags = ['--queuePort', '0', '--skipApiVersionCheck', '--disableTelemetry'];
  azurite = spawn(process.execPath, [program, '--location', folder, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  origin = await new Promise((resolve, reject) => {
    let said = '';
    azurite.once('exit', (code) => reject(new Error(`Azurite ended with ${code}: ${said}`)));
    azurite.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, found] = /successfully listens on (http:\S+)/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
});
afterAll(async () => {
  if (azurite.exitCode === null) {
    const ended = new Promise((resolve) => azurite.once('exit', resolve));
    azurite.kill();
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  url = new URL(`${origin}/${ACCOUNT}/websites-${++queues}`);
  queue = new QueueClient(url.href, new StorageSharedKeyCredential(ACCOUNT, KEY));
  await queue.create();
});

it('puts an event into the queue as the queue trigger wants it: structured, in base64', async () => {
  const sink = storageQueueSink({ kind: 'storage-queue', url, accountKey: KEY });
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
  ['the queue is not there', (given: URL) => new URL(`${given.href}-not`), KEY, 404, 'QueueNotFound'],
  ['the key is wrong', (given: URL) => given, 'AAAA', 403, 'AuthenticationFailed'],
])('fails, and may be tried again, while %s', async (_, where, accountKey, status, why) => {
  const sink = storageQueueSink({ kind: 'storage-queue', url: where(url), accountKey });
  const delivery = await sink.send(event, 5_000);
  expect(delivery).toMatchObject({ kind: 'failed', status, why: expect.stringContaining(why) as string });
  // Azure's own words show the string that was signed.
  expect(JSON.stringify(delivery)).not.toContain('x-ms-date');
});

it('fails, and may be tried again, while nobody answers', async () => {
  const nowhere = new URL(`http://127.0.0.1:1/${ACCOUNT}/websites`);
  const sink = storageQueueSink({ kind: 'storage-queue', url: nowhere, accountKey: KEY });
  expect(await sink.send(event, 5_000)).toMatchObject({ kind: 'failed' });
});
