import { codeOf } from './keys.ts';

/** Why a token is refused, in words for the log. The codes are those of jose. */
const WHY: Readonly<Record<string, string>> = {
  ERR_JWT_INVALID: 'the credentials are not a token (JWT)',
  ERR_JWS_INVALID: 'the credentials are not a signed token (JWS)',
  ERR_JWT_EXPIRED: 'the token has expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'the signature of the token is wrong',
  ERR_JWKS_NO_MATCHING_KEY: 'the issuer has no key with the id that the token names',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'the token names no key, and the issuer has several',
  ERR_JOSE_ALG_NOT_ALLOWED: 'the token is signed with an algorithm that is not allowed',
  ERR_JOSE_NOT_SUPPORTED: 'the token is signed in a way that is not supported',
};
/** What a wrong claim means. */
const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'the token is of another issuer',
  aud: 'the token is for another audience than CALLER_AUDIENCE',
  exp: 'the token has no time at which it expires',
  nbf: 'the token is not valid yet',
  sub: 'the token names no subject',
};

/** The message of an error is not logged, because it may quote the token. */
export function whyOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return CLAIMS[claimOf(error)] ?? 'a claim of the token is wrong';
  return WHY[code] ?? 'the token cannot be verified';
}

const claimOf = (error: unknown): string =>
  error instanceof Error && 'claim' in error && typeof error.claim === 'string' ? error.claim : '';
