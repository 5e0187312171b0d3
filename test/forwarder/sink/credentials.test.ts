import { execFileSync } from 'node:child_process';
// The credentials that a sink receives. The tests check them with the libraries that sinks use.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Troubles } from '../../../functions/cluster/troubles.ts';
import { httpSink } from '../../../infra/forwarder/sink/http.ts';
import { eventOf } from '../../../infra/forwarder/event.ts';
import type { CredentialSettings } from '../../../infra/forwarder/sink/config.ts';
import { NOTICE } from '../../fixtures/notices.ts';

const event = eventOf(NOTICE, { cluster: 'test', extensions: { team: 'web' } });

let server: Server;
let received: { headers: IncomingHttpHeaders; body: string }[];
let folder: string;

beforeEach(async () => {
  received = [];
  folder = mkdtempSync(join(tmpdir(), 'credentials-'));
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  server.close();
});

/** A token in the form that issuers use. These tests do not check its signature. */
const JWT = ['{"alg":"RS256"}', '{"sub":"a"}', 'signature']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');

async function send(
  credentials: CredentialSettings,
  times = 1,
  between: () => void = () => {},
  troubles = new Troubles(),
) {
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const sink = httpSink({ kind: 'http', url, mode: 'structured', credentials }, 1, troubles);
  const deliveries = [];
  for (let each = 0; each < times; each++) {
    if (each > 0) between();
    deliveries.push(await sink.send(event, 5_000));
  }
  await sink.close();
  return deliveries;
}

it.each<[string, CredentialSettings, Record<string, string>]>([
  ['a function key', { functionKey: 'k' }, { 'x-functions-key': 'k' }],
  ['a bearer token', { bearerToken: 't' }, { authorization: 'Bearer t' }],
  ['the key of a custom topic', { eventGrid: { 'aeg-sas-key': 'k' } }, { 'aeg-sas-key': 'k' }],
  [
    'a function key and a bearer token',
    { functionKey: 'k', bearerToken: 't' },
    { 'x-functions-key': 'k', authorization: 'Bearer t' },
  ],
])('The forwarder sends %s', async (_, credentials, headers) => {
  await send(credentials);
  expect(received[0]?.headers).toMatchObject(headers);
});

it('Without credentials, the forwarder sends no extra header', async () => {
  await send({});
  expect(Object.keys(received[0]?.headers ?? {}).toSorted()).toEqual([
    'connection',
    'content-length',
    'content-type',
    'host',
  ]);
});

it('The forwarder sends the token from a file, and the new token after the file changed', async () => {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'first\n');
  vi.useFakeTimers({ toFake: ['performance'] });
  await send({ tokenFile }, 3, () => {
    writeFileSync(tokenFile, 'second\n');
    vi.advanceTimersByTime(6_000);
  });
  expect(received.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer first',
    'Bearer first',
    'Bearer second',
  ]);
});

it.each([
  ['is empty', '\n'],
  ['holds half a token', JWT.slice(0, JWT.length / 2)],
  ['holds no bearer token', 'two words'],
])('The forwarder keeps the previous token while the file %s', async (words, content) => {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, JWT);
  vi.useFakeTimers({ toFake: ['performance'] });
  const warnings: object[] = [];
  const troubles = new Troubles({ info: () => {}, warn: (fields) => void warnings.push(fields) });
  const contents = [content, content, content, 'next'];
  const shown: string[][] = [];
  await send(
    { tokenFile },
    5,
    () => {
      shown.push(troubles.lines());
      writeFileSync(tokenFile, contents.shift() ?? '');
      vi.advanceTimersByTime(11_000);
    },
    troubles,
  );
  const old = `Bearer ${JWT}`;
  expect(received.map(({ headers }) => headers.authorization)).toEqual([old, old, old, old, 'Bearer next']);
  expect(shown[0]).toEqual([]);
  expect(shown[3]).toEqual([`token ${tokenFile} for the sink: it ${words}; the previous one stays in use`]);
  expect(troubles.lines()).toEqual([]);
  expect(warnings).toHaveLength(1);
});

it('A delivery without a token fails, and no request is sent', async () => {
  const [delivery] = await send({ tokenFile: join(folder, 'nowhere') });
  expect(delivery).toMatchObject({ kind: 'failed', why: expect.stringContaining('ENOENT') as string });
  expect(received).toEqual([]);
});

it('A delivery whose token is a pipe fails, and blocks no other', async () => {
  const tokenFile = join(folder, 'pipe');
  execFileSync('bash', ['-c', 'mkfifo "$0"', tokenFile]);
  const [delivery] = await send({ tokenFile });
  expect(delivery).toMatchObject({ why: `Could not use the token file ${tokenFile}: it is not a file` });
});

it('A delivery whose token is larger than 1 MiB fails, and names the file and the limit', async () => {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'x'.repeat(1_048_577));
  const [delivery] = await send({ tokenFile });
  expect(delivery).toMatchObject({
    kind: 'failed',
    why: `Could not use the token file ${tokenFile}: it is larger than 1048576 bytes: check that it is the right file`,
  });
  expect(received).toEqual([]);
});

it('A delivery whose token was typed in place of its file does not quote it', async () => {
  const token = '9f86d081884c7d659a2feaa0c55ad015';
  const [delivery] = await send({ tokenFile: token });
  expect(delivery).toMatchObject({ kind: 'failed', why: expect.stringContaining('ENOENT') as string });
  expect(JSON.stringify(delivery)).not.toContain(token);
});

it('The forwarder signs as Standard Webhooks require, with every active key', async () => {
  const secrets = ['old-old-old-old-old-old-', 'new-new-new-new-new-new-'].map(
    (text) => `whsec_${Buffer.from(text).toString('base64')}`,
  );
  await send({ signingSecrets: secrets }, 2);
  expect(received[0]?.headers['webhook-id']).toBe(received[1]?.headers['webhook-id']);
  const [{ headers, body } = { headers: {}, body: '' }] = received;
  for (const secret of secrets)
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({ id: 'uid-1.7' });
  // The signed text is separated by dots, so the id has none.
  expect(headers['webhook-id']).toBe('uid-1_7');
  expect(() => new Webhook(secrets[0] ?? '').verify(`${body} `, headers as Record<string, string>)).toThrow(
    'No matching signature',
  );
  expect(JSON.parse(body)).toMatchObject({ team: 'web', data: { uid: 'uid-1' } });
});

it('The forwarder sends a token of Entra for the scope, and reuses it', async () => {
  // A managed identity inside Azure gets its token like this.
  const asked: { url: string | undefined; secret: unknown }[] = [];
  const identity = createServer((request, response) => {
    asked.push({ url: request.url, secret: request.headers['x-identity-header'] });
    const expires = Math.floor(Date.now() / 1000) + 3_600;
    const token = { access_token: 'entra', expires_on: String(expires), resource: 'x', token_type: 'Bearer' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token));
  });
  await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'ManagedIdentityCredential');
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`);
  vi.stubEnv('IDENTITY_HEADER', 'secret');
  try {
    const deliveries = await send({ entraScope: 'https://eventgrid.azure.net/.default' }, 2);
    expect(deliveries).toMatchObject([{ kind: 'accepted' }, { kind: 'accepted' }]);
    expect(received.map(({ headers }) => headers.authorization)).toEqual(['Bearer entra', 'Bearer entra']);
    // The token is reused while it is valid.
    expect(asked).toEqual([
      { url: expect.stringContaining(encodeURIComponent('https://eventgrid.azure.net')) as string, secret: 'secret' },
    ]);
  } finally {
    vi.unstubAllEnvs();
    identity.close();
    identity.closeAllConnections();
  }
});
