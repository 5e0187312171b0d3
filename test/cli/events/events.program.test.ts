// `website events` records events and sends them again.
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startCommand } from '../../program.ts';
import { website } from '../cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'website-events-'));
});
afterAll(() => rm(folder, { recursive: true }));

const event = (id: string, time?: string) => ({
  id,
  specversion: '1.0',
  source: '/x',
  type: 'com.example.other',
  ...(time === undefined ? {} : { time }),
  data: { number: 1 },
});

async function recorder(file: string) {
  const program = startCommand([process.execPath, 'dist/cli/website.mjs', 'events', 'record', file], {});
  onTestFinished(async () => {
    await program.stop();
  });
  const started = Promise.withResolvers<string>();
  program.process.stderr?.on('data', () => {
    const [, url] = /Send events to (\S+)/.exec(program.stderr.join('')) ?? [];
    if (url !== undefined) started.resolve(url);
  });
  const url = await started.promise;
  const send = async (type: string, body: unknown, headers: Record<string, string> = {}) =>
    (await fetch(url, { method: 'POST', headers: { 'content-type': type, ...headers }, body: JSON.stringify(body) }))
      .status;
  return { program, send };
}

const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);

it('website events record writes events of every mode, one per line, and refuses other requests', async () => {
  const file = join(folder, 'modes.jsonl');
  const { program, send } = await recorder(file);
  expect(await send('application/cloudevents+json', event('1', '2026-01-02T03:04:05.000Z'))).toBe(204);
  expect(await send('application/cloudevents-batch+json', [event('2'), event('3')])).toBe(204);
  const binary = { 'ce-id': '4', 'ce-specversion': '1.0', 'ce-source': '/x', 'ce-type': 'com.example.other' };
  expect(await send('application/json', { number: 1 }, binary)).toBe(204);
  expect(await send('text/plain', 'hello')).toBe(400);
  expect(await send('application/cloudevents+json', { ...event('5'), data: 'x'.repeat(2_000_000) })).toBe(400);
  program.process.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.text).toContain(`Recorded 4 events in ${file}`);
  expect(linesOf(file)).toMatchObject([
    event('1', '2026-01-02T03:04:05.000Z'),
    { ...event('2'), time: expect.any(String) as string },
    event('3'),
    { id: '4', data: { number: 1 } },
  ]);
});

it.runIf(existsSync('/dev/full'))('A full disk leads to a 503 for the sender and a message for the user', async () => {
  const { program, send } = await recorder('/dev/full');
  expect(await send('application/cloudevents+json', event('1'))).toBe(503);
  program.process.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.stderr.join('')).toContain('Could not write /dev/full: ENOSPC');
  expect(program.text).toContain('Recorded 0 events in /dev/full');
});

async function receiver(status: (id: string) => number) {
  const received: { readonly id: string; readonly headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { id } = JSON.parse(body) as { id: string };
      received.push({ id, headers: request.headers });
      response.writeHead(status(id), { 'website-outcome': 'settled' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

const recorded = (name: string, ...events: object[]): string => {
  const file = join(folder, name);
  writeFileSync(file, events.map((each) => `${JSON.stringify(each)}\n`).join(''));
  return file;
};

it('website events replay sends the recorded events in order, with the given header', async () => {
  const { received, url } = await receiver(() => 204);
  const file = recorded('order.jsonl', event('1'), event('2'), event('3'));
  const ended = await website(['events', 'replay', file, '--to', url, '--header', 'x-functions-key: secret']);
  expect(ended).toMatchObject({ code: 0, error: '' });
  expect(ended.out).toMatch(/3 +204 settled/);
  expect(received.map(({ id }) => id)).toEqual(['1', '2', '3']);
  expect(received[0]?.headers).toMatchObject({ 'x-functions-key': 'secret' });
});

it('website events replay --speed keeps a gap of a year', async () => {
  const { received, url } = await receiver(() => 204);
  const file = recorded('year.jsonl', event('1', '2025-01-01T00:00:00Z'), event('2', '2026-01-01T00:00:00Z'));
  const args = ['dist/cli/website.mjs', 'events', 'replay', file, '--to', url, '--speed', '1'];
  const program = startCommand([process.execPath, ...args], {});
  onTestFinished(async () => {
    await program.stop();
  });
  program.process.stderr?.once('data', () => program.process.kill('SIGINT'));
  expect(await program.exit).toBe(0);
  expect(program.stderr.join('')).toBe('Waiting 8760.0 h before the next event\n');
  expect(received.map(({ id }) => id)).toEqual(['1']);
});

it('website events replay counts refused events and missing answers, and exits with code 3', async () => {
  const { url } = await receiver((id) => (id === '2' ? 503 : 204));
  const file = recorded('refused.jsonl', event('1'), event('2'));
  const ended = await website(['events', 'replay', file, '--to', url]);
  expect(ended.code).toBe(3);
  expect(ended.out).toMatch(/1 +204 settled\n1 +503 settled/);
  const nobody = await website(['events', 'replay', file, '--to', 'http://127.0.0.1:9990/']);
  expect([nobody.code, nobody.out]).toEqual([3, expect.stringMatching(/2 +no answer: .*ECONNREFUSED/)]);
});

it.each([
  ['a file that does not exist', ['missing.jsonl', '--to', 'http://127.0.0.1/'], /Could not read missing.jsonl/],
  ['an invalid URL', ['missing.jsonl', '--to', 'ftp://x'], /--to must be the http or https URL/],
  [
    'an invalid speed',
    ['missing.jsonl', '--to', 'http://127.0.0.1/', '--speed', '0'],
    /--speed must be a number above 0/,
  ],
  [
    'a malformed header',
    ['missing.jsonl', '--to', 'http://127.0.0.1/', '--header', 'x'],
    /--header must have the form/,
  ],
])('website events replay with %s exits with code 2 and a message', async (_, args, message) => {
  const { code, error } = await website(['events', 'replay', ...args]);
  expect([code, error]).toEqual([2, expect.stringMatching(message)]);
});

it('website events replay skips an incomplete event, and a new recorder starts a new line after it', async () => {
  const { received, url } = await receiver(() => 204);
  const file = recorded('cut.jsonl', event('1'));
  appendFileSync(file, '{"id":"2","sour');
  const { program, send } = await recorder(file);
  expect(await send('application/cloudevents+json', event('3'))).toBe(204);
  program.process.kill('SIGINT');
  expect(await program.exit).toBe(0);
  const ended = await website(['events', 'replay', file, '--to', url]);
  expect(ended).toMatchObject({ code: 0, error: `Skipped ${file}, line 2: the event is not complete\n` });
  expect(received.map(({ id }) => id)).toEqual(['1', '3']);
});

it.each([
  ['an empty file', ''],
  ['half an event', '{"id":"2","sour'],
])('website events replay of %s exits with code 1 and a message', async (_, text) => {
  const { url } = await receiver(() => 204);
  const file = recorded('none.jsonl');
  writeFileSync(file, text);
  const { code, error } = await website(['events', 'replay', file, '--to', url]);
  expect([code, error]).toEqual([1, expect.stringContaining(`Error: ${file} has no complete event\n`)]);
});

it('The error about a line that is not an event names the line', async () => {
  const { url } = await receiver(() => 204);
  const file = recorded('broken.jsonl', event('1'), { not: 'an event' });
  const { code, error } = await website(['events', 'replay', file, '--to', url]);
  expect([code, error]).toEqual([2, `Error: ${file}, line 2 is not a CloudEvent in structured form\n`]);
});

it('The error about a line that is too long names the line, and the events before it are sent', async () => {
  const { received, url } = await receiver(() => 204);
  const file = recorded('long.jsonl', event('1'), { ...event('2'), data: 'x'.repeat(4 * 1024 * 1024) }, event('3'));
  const { code, error } = await website(['events', 'replay', file, '--to', url]);
  expect([code, error]).toEqual([2, `Error: ${file}, line 2 is longer than 4194304 characters\n`]);
  expect(received.map(({ id }) => id)).toEqual(['1']);
});

it('website events replay reads events over several chunks, with either end of line and no end at the end', async () => {
  const { received, url } = await receiver(() => 204);
  const file = recorded('chunks.jsonl');
  const lines = ['1', '2', '3'].map((id) => JSON.stringify({ ...event(id), data: { text: 'ü'.repeat(100_001) } }));
  writeFileSync(file, `${lines[0]}\r\n\n${lines[1]}\n${lines[2]}`);
  expect(await website(['events', 'replay', file, '--to', url])).toMatchObject({ code: 0, error: '' });
  const sizes = received.map(({ headers }) => Number(headers['content-length']));
  expect(sizes).toEqual(lines.map((line) => Buffer.byteLength(line)));
});

it.skipIf(!existsSync('/dev/zero')).each<[file: string, args: string[], code: number, message: string]>([
  ['events', ['events', 'replay', '/dev/zero', '--to', 'http://127.0.0.1/'], 2, '/dev/zero, line 1 is longer than'],
  [
    'Websites',
    ['plan', '-f', '/dev/zero', '--kubeconfig', 'test/fixtures/unreachable.kubeconfig'],
    2,
    'Could not read /dev/zero: it is larger than',
  ],
  ['clusters', ['list', '--kubeconfig', '/dev/zero'], 1, 'Could not read the kubeconfig /dev/zero: it is larger than'],
])('A file of %s that has no end ends the program with a message', async (_, args, code, message) => {
  expect(await website(args)).toMatchObject({
    code,
    error: expect.stringMatching(
      `^Error: ${message} \\d+ (characters|bytes: check that it is the right file)\n$`,
    ) as string,
  });
});
