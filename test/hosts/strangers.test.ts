// Callers cannot block other callers, even if they never finish their requests, and cannot flood the log.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { SignJWT, exportJWK } from 'jose';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { startFunctions, type Program } from '../program.ts';

const ISSUER = 'https://issuer.example.com';
const SECRET = `whsec_${createHash('sha256').update('x').digest('base64')}`;
const EVENT = JSON.stringify({ id: '1', specversion: '1.0', source: '/x', type: 'of no interest' });
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };

let program: Program;
let url: string;
let keys: Server;
let token: (kid: string, subject?: string) => Promise<string>;
/** Whether the issuer leaves requests for its keys unanswered. */
let isSilent: boolean;
const sockets: Socket[] = [];

beforeEach(async () => {
  isSilent = false;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'known', alg: 'ES256' };
  token = (kid, subject = 'sender') =>
    new SignJWT({ sub: subject, iss: ISSUER, aud: 'here' })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setExpirationTime('5m')
      .sign(privateKey);
  keys = createServer((_, response) => {
    if (!isSilent) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  program = startFunctions({
    KUBECONFIG: 'test/fixtures/unreachable.kubeconfig',
    RESYNC_INTERVAL_SECONDS: '0',
    ALLOW_ANONYMOUS: '',
    MAX_CONCURRENT: '4',
    LOG_LEVEL: 'debug',
    CALLER_ISSUER: ISSUER,
    CALLER_AUDIENCE: 'here',
    CALLER_SUBJECTS: 'sender',
    CALLER_JWKS_URL: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/`,
    CALLER_SIGNING_SECRET: SECRET,
  });
  url = String((await program.line('Listening'))['url']);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  keys.close();
  keys.closeAllConnections();
  if ((await program.stop()) !== 0) throw new Error('The program has not survived this');
});

const signature = () => {
  const at = new Date();
  return {
    'webhook-id': '1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(SECRET).sign('1', at, EVENT),
  };
};
const send = async (headers: Record<string, string>, signal = AbortSignal.timeout(20_000)) =>
  (await fetch(url, { method: 'POST', headers: { ...STRUCTURED, ...headers }, body: EVENT, signal })).status;
const bearer = async (kid: string, subject?: string) => ({ authorization: `Bearer ${await token(kid, subject)}` });

/** Opens this many connections, each with only the beginning of a request. */
async function silent(count: number, head: string, length = 1000): Promise<void> {
  const opened = Array.from({ length: count }, () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(`${head}\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n`);
    return once(socket, 'connect');
  });
  await Promise.all(opened);
}
const now = () => Math.floor(Date.now() / 1000);
const SIGNED = () =>
  `POST / HTTP/1.1\r\ncontent-type: application/cloudevents+json\r\nwebhook-id: 1\r\nwebhook-timestamp: ${now()}\r\nwebhook-signature: v1,x`;

const UPLOAD = async () =>
  `POST / HTTP/1.1\r\ncontent-type: application/cloudevents+json\r\nauthorization: ${(await bearer('known')).authorization}`;

describe.each([64, 500])('While %d uploads hang,', (count) => {
  it.each([
    ['of the handshake', () => 'OPTIONS / HTTP/1.1'],
    ['without credentials', () => 'POST / HTTP/1.1'],
    ['with a signature', SIGNED],
    ['that ask for a resync, with a signature', () => SIGNED().replace('POST /', 'POST /resync')],
    ['of a known caller', UPLOAD],
  ])('%s, the functions answer known callers', async (_, head) => {
    await send(await bearer('known'));
    await silent(count, await head());
    for (let turn = 0; turn < 5; turn++) {
      expect(await send(signature())).toBe(204);
      expect(await send(await bearer('known'))).toBe(204);
      expect((await fetch(url, { method: 'OPTIONS', signal: AbortSignal.timeout(5_000) })).status).toBe(204);
    }
  });
});

/** The levels of the lines with this message. */
const levels = (message: string) => program.lines.filter(({ msg }) => msg === message).map(({ level }) => level);

it.each<[string, number, string, () => Promise<Record<string, string>>]>([
  ['without credentials', 401, 'Refused caller', async () => ({})],
  ['with a wrong token', 401, 'Refused caller', async () => ({ authorization: 'Bearer x' })],
  ['with the token of another subject', 403, 'Refused caller', () => bearer('known', 'another')],
  ['with a wrong signature', 401, 'Refused caller', async () => ({ ...signature(), 'webhook-signature': 'v1,x' })],
])('400 callers %s do not flood the log', async (_, status, message, headersOf) => {
  const headers = await headersOf();
  for (let caller = 0; caller < 400; caller++) expect(await send(headers)).toBe(status);
  await eventually(() => expect(levels(message)).toHaveLength(400));
  expect(levels(message).slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 40));
  // One line every five seconds is left.
  expect(levels(message).filter((level) => level === 40).length).toBeLessThan(100);
  expect(levels(message).filter((level) => level === 20).length).toBeGreaterThan(300);
});

it('100 connections that end in the middle of a request do not flood the log', async () => {
  const message = 'Connection closed before the request was complete';
  // Each half fits the room for uploads. More would get an answer.
  for (const half of [1, 2]) {
    await silent(50, await UPLOAD());
    // The functions have read all of them once they answer a later request.
    expect(await send(await bearer('known'))).toBe(204);
    for (const socket of sockets.splice(0)) socket.destroy();
    await eventually(() => expect(levels(message)).toHaveLength(50 * half));
  }
  expect(levels(message).filter((level) => level === 20).length).toBeGreaterThan(50);
});

it("While 100 tokens wait for an issuer's keys, the functions answer known callers", async () => {
  expect(await send(await bearer('known'))).toBe(204);
  isSilent = true;
  const waiting = Array.from({ length: 100 }, async (_, index) =>
    send(await bearer(`unknown-${index}`), AbortSignal.timeout(30_000)).catch(() => 0),
  );
  for (let turn = 0; turn < 5; turn++) {
    expect(await send(signature())).toBe(204);
    expect(await send(await bearer('known'))).toBe(204);
  }
  keys.closeAllConnections();
  isSilent = false;
  for (const status of await Promise.all(waiting)) expect([0, 401, 429, 503]).toContain(status);
});

it('Uploads of unknown callers turn away no upload of a known caller', async () => {
  await silent(1, await UPLOAD(), Buffer.byteLength(EVENT));
  const [known] = sockets;
  await silent(500, SIGNED());
  // Its answer comes after the others have taken their places.
  expect(await send(signature())).toBe(204);
  known?.write(EVENT);
  const [answer] = (await once(known as Socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 204 /);
});

it('The functions refuse a body by its length, before it arrives, and close the connection', async () => {
  const heads = ['POST / HTTP/1.1', SIGNED(), await UPLOAD()];
  for (const head of heads) await silent(1, head, 262_145);
  const answers = await Promise.all(
    sockets.map(async (socket) => {
      const answer = await socket.toArray();
      return Buffer.concat(answer as Buffer[]).toString();
    }),
  );
  // A caller without credentials learns nothing else.
  expect(answers.map((answer) => answer.slice(0, 13))).toEqual(['HTTP/1.1 401 ', 'HTTP/1.1 413 ', 'HTTP/1.1 413 ']);
  for (const answer of answers) expect(answer.toLowerCase()).toContain('connection: close');
});

it('The functions answer the handshake without reading its body, and close the connection', async () => {
  await silent(1, 'OPTIONS / HTTP/1.1');
  const [socket] = sockets;
  const [answer] = (await once(socket as Socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 204 [^]*connection: close/i);
  await once(socket as Socket, 'close');
});

it.each([
  ['old', () => String(now() - 400)],
  ['in the future', () => String(now() + 400)],
  ['missing', () => ''],
])('A signature whose time is %s is refused before the body is read', async (_, timestamp) => {
  await silent(1, SIGNED().replace(/webhook-timestamp: \d+/, `webhook-timestamp: ${timestamp()}`));
  const [answer] = (await once(sockets[0] as Socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 401 /);
});

it('With too many waiting callers, the one that has waited longest gets 429', async () => {
  await silent(1, SIGNED());
  const [first] = sockets;
  const answered = once(first as Socket, 'data') as Promise<[Buffer]>;
  await silent(70, SIGNED());
  const [answer] = await answered;
  expect(answer.toString()).toMatch(/^HTTP\/1.1 429 [^]*retry-after: 1/i);
  await eventually(async () => expect(await send(signature())).toBe(204));
});
