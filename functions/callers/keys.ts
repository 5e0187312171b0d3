import type * as Jose from 'jose';
import type { JWTVerifyGetKey } from 'jose';
import type { Troubles } from '../cluster/troubles.ts';

/** A token with a key that nobody knows makes us look for new ones, this often at most; and now and then without one. */
const KEYS = { cooldownDuration: 5_000, cacheMaxAge: 600_000, timeoutDuration: 5_000 };

/** The issuer or its keys could not be read: nothing is wrong with the token. */
export class NoKeysError extends Error {
  override readonly name = 'NoKeysError';
}

/** Where an issuer's keys are, and how they are read. */
interface KeySource {
  readonly url: URL;
  readonly fetchKeys: (url: string, options: RequestInit) => Promise<Response>;
}

/**
 * The keys of an issuer, which are read again now and then. While they cannot be, those that were read last stay in use, as API
 * servers do it.
 */
export function keptKeys(
  { url, fetchKeys }: KeySource,
  { createLocalJWKSet, createRemoteJWKSet, customFetch }: typeof Jose,
  troubles: Troubles,
): JWTVerifyGetKey {
  const subject = `keys of callers' tokens from ${url.origin}`;
  const remote = createRemoteJWKSet(url, {
    ...KEYS,
    [customFetch]: async (href: string, options: RequestInit) => withKeys(await fetchKeys(href, options)),
  });
  let failedAt = -Infinity;
  return async (header, token) => {
    const last = remote.jwks();
    if (last === undefined) return remote(header, token);
    try {
      // What cannot be read is not asked for with each token.
      if (performance.now() - failedAt > KEYS.cooldownDuration) {
        const key = await remote(header, token);
        if (remote.fresh) troubles.end(subject);
        return key;
      }
    } catch (error) {
      if (!isUnread(error)) throw error;
      failedAt = performance.now();
      troubles.begin(subject, error instanceof Error ? error.message : 'they cannot be read');
    }
    return createLocalJWKSet(last)(header, token).catch((cause: unknown) => {
      // The key may be among those that could not be read.
      throw new NoKeysError('Could not read the keys again', { cause });
    });
  };
}

/** No issuer has no keys: an answer without any never takes the place of those that there are. */
async function withKeys(response: Response): Promise<Response> {
  if (response.status !== 200) return response;
  const body = (await response.json().catch(() => undefined)) as { keys?: unknown } | undefined;
  if (!Array.isArray(body?.keys) || body.keys.length === 0) throw new Error('the answer holds no keys');
  return Response.json(body);
}

/** Whether the keys could not be read; all else is wrong with the token. */
export function isUnread(error: unknown): boolean {
  const code = codeOf(error);
  if (code.startsWith('ERR_JWKS_')) return code === 'ERR_JWKS_TIMEOUT' || code === 'ERR_JWKS_INVALID';
  return code !== 'ERR_JOSE_NOT_SUPPORTED';
}

/** Never what an error says: it may quote the token. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
