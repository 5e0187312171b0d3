import type * as Jose from 'jose';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import type { Troubles } from '../cluster/troubles.ts';

/** Keys are read again every ten minutes, and for a token with an unknown key. Such tokens cause at most one read in 5 s. */
const KEYS = { cooldownMs: 5_000, freshMs: 600_000, readMs: 5_000 };

/** The issuer or its keys could not be read. The token may be valid. */
export class NoKeysError extends Error {
  override readonly name = 'NoKeysError';
}

export interface KeySource {
  /** Whose keys they are, for messages. */
  readonly origin: string;
  /** Reads a JSON Web Key Set, which is not checked yet. */
  readonly read: (signal: AbortSignal) => Promise<unknown>;
}

/** Finds the key of a token. */
type KeyFinder = (...about: Parameters<JWTVerifyGetKey>) => Promise<Jose.CryptoKey>;

/** The keys of one issuer. */
export interface CachedKeys {
  readonly keyFor: KeyFinder;
  /** Reads the keys now, so that the next token does not wait for it. */
  readonly read: () => Promise<unknown>;
}

/**
 * The keys of an issuer, read again from time to time. If a read fails, the previous keys stay in use, as in API servers. jose has a
 * cache too (`createRemoteJWKSet`). But that loads Node's own undici, which takes a tenth of a cold start.
 */
export function cachedKeys(
  { origin, read }: KeySource,
  { createLocalJWKSet, errors }: typeof Jose,
  troubles: Troubles,
): CachedKeys {
  const subject = `keys of callers' tokens from ${origin}`;
  let last: { readonly keyFor: KeyFinder; readonly at: number } | undefined;
  let reading: Promise<KeyFinder> | undefined;
  let failedAt = -Infinity;
  const isYounger = (ms: number): boolean => last !== undefined && performance.now() - last.at < ms;

  async function readOnce(): Promise<KeyFinder> {
    const keyFor = createLocalJWKSet(checked(await read(AbortSignal.timeout(KEYS.readMs))));
    last = { keyFor, at: performance.now() };
    return keyFor;
  }
  /** Concurrent callers share one read. */
  const readKeys = () => (reading ??= readOnce().finally(() => (reading = undefined)));

  const freshKeyFor: KeyFinder = async (header, token) => {
    const known = last !== undefined && isYounger(KEYS.freshMs) ? last.keyFor : await readKeys();
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || isYounger(KEYS.cooldownMs)) throw error;
      return (await readKeys())(header, token);
    }
  };

  return {
    read: readKeys,
    async keyFor(header, token) {
      if (last === undefined) return freshKeyFor(header, token);
      const { keyFor } = last;
      try {
        // After a failed read, further tokens do not cause reads for a while.
        if (performance.now() - failedAt > KEYS.cooldownMs) {
          const key = await freshKeyFor(header, token);
          if (isYounger(KEYS.freshMs)) troubles.end(subject);
          return key;
        }
      } catch (error) {
        if (!isReadFailure(error)) throw error;
        failedAt = performance.now();
        troubles.begin(subject, error instanceof Error ? error.message : 'they cannot be read');
      }
      return keyFor(header, token).catch((cause: unknown) => {
        // The token's key may be one of those that could not be read.
        throw new NoKeysError('Could not read the keys again', { cause });
      });
    },
  };
}

/** Every issuer has keys, so an answer without keys is an error and does not replace the previous keys. */
function checked(answer: unknown): JSONWebKeySet {
  const { keys } = (answer ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length === 0) throw new Error('the answer holds no keys');
  return answer as JSONWebKeySet;
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
