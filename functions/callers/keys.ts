import type * as Jose from 'jose';
import type { JWTVerifyGetKey } from 'jose';
import type { Troubles } from '../cluster/troubles.ts';

/** Keys are read again every ten minutes, and for a token with an unknown key. Such tokens cause at most one read in 5 s. */
const KEYS = { cooldownDuration: 5_000, cacheMaxAge: 600_000, timeoutDuration: 5_000 };

/** The issuer or its keys could not be read. The token may be valid. */
export class NoKeysError extends Error {
  override readonly name = 'NoKeysError';
}

interface KeySource {
  readonly url: URL;
  readonly fetchKeys: (url: string, options: RequestInit) => Promise<Response>;
}

/** The keys of an issuer, read again from time to time. If a read fails, the previous keys stay in use, as in API servers. */
export function cachedKeys(
  { url, fetchKeys }: KeySource,
  { createLocalJWKSet, createRemoteJWKSet, customFetch }: typeof Jose,
  troubles: Troubles,
): JWTVerifyGetKey {
  const subject = `keys of callers' tokens from ${url.origin}`;
  const remote = createRemoteJWKSet(url, {
    ...KEYS,
    [customFetch]: async (href: string, options: RequestInit) => checkedResponse(await fetchKeys(href, options)),
  });
  let failedAt = -Infinity;
  return async (header, token) => {
    const last = remote.jwks();
    if (last === undefined) return remote(header, token);
    try {
      // After a failed read, further tokens do not cause reads for a while.
      if (performance.now() - failedAt > KEYS.cooldownDuration) {
        const key = await remote(header, token);
        if (remote.fresh) troubles.end(subject);
        return key;
      }
    } catch (error) {
      if (!isReadFailure(error)) throw error;
      failedAt = performance.now();
      troubles.begin(subject, error instanceof Error ? error.message : 'they cannot be read');
    }
    return createLocalJWKSet(last)(header, token).catch((cause: unknown) => {
      // The token's key may be one of those that could not be read.
      throw new NoKeysError('Could not read the keys again', { cause });
    });
  };
}

/** Every issuer has keys, so an answer without keys is an error and does not replace the previous keys. */
async function checkedResponse(response: Response): Promise<Response> {
  if (response.status !== 200) return response;
  const body = (await response.json().catch(() => undefined)) as { keys?: unknown } | undefined;
  if (!Array.isArray(body?.keys) || body.keys.length === 0) throw new Error('the answer holds no keys');
  return Response.json(body);
}

/** Whether the keys could not be read. Every other error is about the token. */
export function isReadFailure(error: unknown): boolean {
  const code = codeOf(error);
  if (code.startsWith('ERR_JWKS_')) return code === 'ERR_JWKS_TIMEOUT' || code === 'ERR_JWKS_INVALID';
  return code !== 'ERR_JOSE_NOT_SUPPORTED';
}

/** The code of an error. Its message is not logged, because it may quote the token. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
