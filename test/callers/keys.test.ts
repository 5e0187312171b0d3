// The keys of an issuer that is not always available.
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import * as jose from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Troubles } from '../../functions/cluster/troubles.ts';
import { keysAt } from '../../functions/callers/keys-at.ts';
import { cachedKeys, NoKeysError, type CachedKeys } from '../../functions/callers/keys.ts';

const first = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const second = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = async (kid: string) => ({
  ...(await jose.exportJWK((kid === 'first' ? first : second).publicKey)),
  kid,
  alg: 'ES256',
});

let issuer: Server;
let answer: RequestListener;
let asked: number;
let warnings: object[];
let troubles: Troubles;
let keys: CachedKeys;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
  asked = 0;
  warnings = [];
  answer = withKeys(await jwk('first'));
  troubles = new Troubles({ info: () => {}, warn: (fields) => void warnings.push(fields) });
  issuer = createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const { port } = issuer.address() as AddressInfo;
  keys = cachedKeys(keysAt(new URL(`http://127.0.0.1:${port}/keys?secret=1`)), jose, troubles);
});
afterEach(() => {
  vi.useRealTimers();
  issuer.closeAllConnections();
  issuer.close();
});

const withText =
  (text: string): RequestListener =>
  (_, response) =>
    response.end(text);
const withKeys = (...list: readonly unknown[]) => withText(JSON.stringify({ keys: list }));
const brokenOff: RequestListener = (_, response) => response.destroy();

async function verify(kid: 'first' | 'second') {
  const token = await new jose.SignJWT({ sub: 'a' })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign((kid === 'first' ? first : second).privateKey);
  return (await jose.jwtVerify(token, keys.keyFor)).payload.sub;
}
/** Keys are read again after ten minutes. */
const later = () => vi.advanceTimersByTime(601_000);

it.each<[string, RequestListener, RegExp]>([
  ['a failed connection', brokenOff, /other side closed/],
  ['an error answer', (_, response) => response.writeHead(500).end(), /Expected 200 OK/],
  ['an answer that breaks off', withText('{"keys": [{"kty"'), /holds no keys/],
  ['an answer without keys', withKeys(), /holds no keys/],
  ['an answer that is no list of keys', withKeys('x'), /malformed/],
  ['an answer of 2 MB', withText(' '.repeat(2_000_000)), /larger than 1048576 bytes: check CALLER_JWKS_URL/],
])('The previous keys stay in use after %s', async (_, bad, words) => {
  expect(await verify('first')).toBe('a');
  answer = bad;
  for (let time = 0; time < 3; time++) {
    later();
    expect(await verify('first')).toBe('a');
  }
  expect(troubles.lines()).toEqual([expect.stringMatching(words)]);
  expect(troubles.lines().join()).not.toContain('secret');
  expect(warnings).toHaveLength(1);
  // The token may be valid: its key may be among those that could not be read.
  await expect(verify('second')).rejects.toThrow(NoKeysError);
  answer = withKeys(await jwk('second'));
  later();
  expect(await verify('second')).toBe('a');
  await expect(verify('first')).rejects.toThrow(jose.errors.JWKSNoMatchingKey);
  expect(troubles.lines()).toEqual([]);
});

it('A failing issuer is not asked again with each token', async () => {
  expect(await verify('first')).toBe('a');
  answer = brokenOff;
  later();
  for (let time = 0; time < 10; time++) await verify('first');
  expect(asked).toBe(2);
});

it('The first reading of the keys has to succeed', async () => {
  answer = withKeys();
  await expect(verify('first')).rejects.toThrow('holds no keys');
});

it('Concurrent tokens share one read', async () => {
  const find = () => keys.keyFor({ alg: 'ES256', kid: 'first' }, { payload: '', signature: '' });
  await Promise.all([find(), find()]);
  expect(asked).toBe(1);
});

it('Tokens with unknown keys cause at most one read in 5 s', async () => {
  await verify('first');
  for (const ms of [4_900, 200, 4_900, 200]) {
    vi.advanceTimersByTime(ms);
    await expect(verify('second')).rejects.toThrow(jose.errors.JWKSNoMatchingKey);
  }
  expect(asked).toBe(3);
});

it('After an early read, the first token causes none', async () => {
  await keys.read();
  expect(await verify('first')).toBe('a');
  expect(asked).toBe(1);
});

it('An early read that fails has no effect on the first token', async () => {
  answer = brokenOff;
  await expect(keys.read()).rejects.toThrow('other side closed');
  answer = withKeys(await jwk('first'));
  expect(await verify('first')).toBe('a');
  expect(warnings).toEqual([]);
});

it("Node's own undici is not loaded to read a cluster's keys", async () => {
  const source = `
    import * as jose from 'jose';
    import { Troubles } from './functions/cluster/troubles.ts';
    import { cachedKeys } from './functions/callers/keys.ts';
    const keys = cachedKeys({ origin: 'x', read: async () => ({ keys: [{ kty: 'EC' }] }) }, jose, new Troubles());
    await keys.read();
    console.log(process.moduleLoadList.filter((each) => each.includes('undici')).length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source]);
  expect(stdout).toBe('0\n');
});
