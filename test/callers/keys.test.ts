// The keys of an issuer that is not always available.
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { promisify } from 'node:util';
import * as jose from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Troubles } from '../../functions/cluster/troubles.ts';
import { cachedKeys, keysAt, NoKeysError, type CachedKeys } from '../../functions/callers/keys.ts';

const first = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const second = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = async (kid: string) => ({
  ...(await jose.exportJWK((kid === 'first' ? first : second).publicKey)),
  kid,
  alg: 'ES256',
});

let answer: () => Promise<Response>;
let asked: number;
let warnings: object[];
let troubles: Troubles;
let keys: CachedKeys;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
  asked = 0;
  warnings = [];
  answer = async () => Response.json({ keys: [await jwk('first')] });
  troubles = new Troubles({ info: () => {}, warn: (fields) => void warnings.push(fields) });
  const fetchKeys = () => {
    asked++;
    return answer();
  };
  keys = cachedKeys(keysAt(new URL('https://issuer.example.com/keys?secret=1'), fetchKeys), jose, troubles);
});
afterEach(() => void vi.useRealTimers());

async function verify(kid: 'first' | 'second') {
  const token = await new jose.SignJWT({ sub: 'a' })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign((kid === 'first' ? first : second).privateKey);
  return (await jose.jwtVerify(token, keys.keyFor)).payload.sub;
}
/** Keys are read again after ten minutes. */
const later = () => vi.advanceTimersByTime(601_000);

it.each<[string, () => Promise<Response>, RegExp]>([
  ['a failed connection', () => Promise.reject(new Error('no route')), /no route/],
  ['an error answer', async () => new Response('', { status: 500 }), /Expected 200 OK/],
  ['an answer that breaks off', async () => new Response('{"keys": [{"kty"'), /holds no keys/],
  ['an answer without keys', async () => Response.json({ keys: [] }), /holds no keys/],
  ['an answer that is no list of keys', async () => Response.json({ keys: ['x'] }), /malformed/],
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
  answer = async () => Response.json({ keys: [await jwk('second')] });
  later();
  expect(await verify('second')).toBe('a');
  await expect(verify('first')).rejects.toThrow(jose.errors.JWKSNoMatchingKey);
  expect(troubles.lines()).toEqual([]);
});

it('A failing issuer is not asked again with each token', async () => {
  expect(await verify('first')).toBe('a');
  answer = () => Promise.reject(new Error('no route'));
  later();
  for (let time = 0; time < 10; time++) await verify('first');
  expect(asked).toBe(2);
});

it('The first reading of the keys has to succeed', async () => {
  answer = async () => Response.json({ keys: [] });
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
  answer = () => Promise.reject(new Error('no route'));
  await expect(keys.read()).rejects.toThrow('no route');
  answer = async () => Response.json({ keys: [await jwk('first')] });
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
