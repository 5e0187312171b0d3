// The keys of an issuer that is not always available.
import { generateKeyPairSync } from 'node:crypto';
import * as jose from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Troubles } from '../../functions/cluster/troubles.ts';
import { cachedKeys, NoKeysError } from '../../functions/callers/keys.ts';

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
let keys: jose.JWTVerifyGetKey;

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
  keys = cachedKeys({ url: new URL('https://issuer.example.com/keys?secret=1'), fetchKeys }, jose, troubles);
});
afterEach(() => void vi.useRealTimers());

async function verify(kid: 'first' | 'second') {
  const token = await new jose.SignJWT({ sub: 'a' })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign((kid === 'first' ? first : second).privateKey);
  return (await jose.jwtVerify(token, keys)).payload.sub;
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
