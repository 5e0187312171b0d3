import { errors, jwtVerify, SignJWT, UnsecuredJWT } from 'jose';
import { expect, it } from 'vitest';
import { whyOf } from '../../functions/callers/token-refusals.ts';

const KEY = new TextEncoder().encode('k'.repeat(32));
const signed = (claims: Record<string, unknown>, key = KEY): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key);
const past = Math.floor(Date.now() / 1000) - 1_000;
const claims = { iss: 'me', aud: 'functions', sub: 'forwarder', exp: past + 10_000 };

it.each<[string, string | Promise<string>, string]>([
  ['no token', 'x', 'the credentials are not a signed token (JWS)'],
  ['an unsigned token', new UnsecuredJWT(claims).encode(), 'the token is signed with an algorithm that is not allowed'],
  ['an expired token', signed({ ...claims, exp: past }), 'the token has expired'],
  ['a token that never expires', signed({ ...claims, exp: undefined }), 'the token has no time at which it expires'],
  ['a token of the future', signed({ ...claims, nbf: past + 9_000 }), 'the token is not valid yet'],
  ['a token of another issuer', signed({ ...claims, iss: 'you' }), 'the token is of another issuer'],
  ['a token for others', signed({ ...claims, aud: 'x' }), 'the token is for another audience than CALLER_AUDIENCE'],
  ['a token without a subject', signed({ ...claims, sub: undefined }), 'the token names no subject'],
  ['a forged token', signed(claims, new Uint8Array(32)), 'the signature of the token is wrong'],
])('The log says in words why %s is refused', async (_, token, why) => {
  const options = { issuer: 'me', audience: 'functions', algorithms: ['HS256'], requiredClaims: ['exp', 'sub'] };
  const error: unknown = await jwtVerify(await token, KEY, options).catch((thrown: unknown) => thrown);
  expect(whyOf(error)).toBe(why);
});

it('What decodes to no token, and any other error, have words too', () => {
  expect(whyOf(new errors.JWTInvalid('Invalid JWT'))).toBe('the credentials are not a token (JWT)');
  expect(whyOf(new Error('eyJhbGci'))).toBe('the token cannot be verified');
});

it('No code of jose for a signed token is left without words', () => {
  const codes = Object.values(errors).map((each) => (each as { code?: string }).code ?? '');
  const aboutTokens = codes.filter((code) => /^ERR_(JWT|JWS|JOSE_ALG|JOSE_NOT)/.test(code));
  expect(aboutTokens.length).toBeGreaterThan(4);
  for (const code of aboutTokens) {
    if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') continue;
    expect(whyOf(Object.assign(new Error('x'), { code }))).not.toBe('the token cannot be verified');
  }
});
