// Bodies that the Node host refuses for their size, while their senders are still writing.
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { startFunctions, type Program } from '../program.ts';

const MB = 1_000_000;
let program: Program;
let url: string;
beforeAll(async () => {
  program = startFunctions({ KUBECONFIG: inject('functionsKubeconfig') });
  url = String((await program.line('Listening'))['url']);
});
afterAll(() => program.stop());

const HEAD = 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
const lengthOf = (bytes: number) => `${HEAD}content-length: ${bytes}\r\n\r\n`;
const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;

function connected(): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  return socket.setEncoding('utf8').pause();
}

/** Resolves when the system has taken the text. @throws EPIPE or ECONNRESET if the other side does not read it. */
const written = (socket: Socket, text: string) =>
  new Promise<void>((resolve, reject) => socket.write(text, (error) => (error ? reject(error) : resolve())));

it.each([
  ['states its length', lengthOf(5 * MB) + 'x'.repeat(5 * MB)],
  ['comes in chunks', `${CHUNKED}${chunk.repeat(80)}0\r\n\r\n`],
])('A sender that writes 5 MB before it reads gets the answer 413, if the body %s', async (_, request) => {
  const socket = connected();
  await written(socket, request);
  const answer = (await socket.toArray()).join('');
  expect(answer).toMatch(/^HTTP\/1.1 413 [^]*connection: close/i);
  expect(answer).toContain('The body is larger than');
});

it.each([
  ['a text', () => 'x'.repeat(5 * MB)],
  ['a stream', () => new Blob(['x'.repeat(5 * MB)]).stream()],
])('fetch gets the answer 413 to %s of 5 MB', async (_, bodyOf) => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: bodyOf(), duplex: 'half' });
  expect([response.status, response.headers.get('connection')]).toEqual([413, 'close']);
  expect(await response.json()).toMatchObject({ status: 413 });
});

it('A body without an end is not read for ever', async () => {
  const socket = connected();
  await written(socket, CHUNKED);
  const writing = async () => {
    for (;;) await written(socket, chunk);
  };
  socket.on('error', () => {});
  await expect(writing()).rejects.toThrow(/EPIPE|ECONNRESET/);
  // What the system holds of it counts too.
  expect(socket.bytesWritten).toBeGreaterThan(16 * MB);
  expect(socket.bytesWritten).toBeLessThan(64 * MB);
});

it('A body whose stated length is far too large is not read', async () => {
  const socket = connected();
  socket.on('error', () => {});
  await written(socket, lengthOf(100 * MB));
  await expect(written(socket, 'x'.repeat(15 * MB))).rejects.toThrow(/EPIPE|ECONNRESET/);
});
