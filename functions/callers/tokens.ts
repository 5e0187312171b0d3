import type * as Jose from 'jose';
import type { JWTVerifyGetKey } from 'jose';
import type { Transport } from '../cluster/transport.ts';
import type { Troubles } from '../cluster/troubles.ts';
import type { Config } from '../config.ts';
import { cachedKeys, isReadFailure, NoKeysError, type CachedKeys, type KeySource } from './keys.ts';

/** Only asymmetric algorithms: a verifier must not be able to create tokens. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** The allowed difference between clocks. */
const TOLERANCE_SECONDS = 60;
/** Paths at which an API server publishes the issuer and the keys of ServiceAccount tokens. Every ServiceAccount may read both. */
const CLUSTER_ISSUER = '/.well-known/openid-configuration';
const CLUSTER_KEYS = '/openid/v1/jwks';

/** Returns the subject of a token. It throws a `NoKeysError` if it cannot verify the token, and jose's errors if it is invalid. */
export type Verifier = (token: string) => Promise<string | undefined>;

/** A trusted issuer of tokens. */
interface Issuer {
  readonly name: () => Promise<string>;
  readonly keys: CachedKeys;
}

/** Verifies ServiceAccount tokens of the clusters, or tokens of the configured issuer. */
export async function tokenVerifier(
  { issuer, audience, jwksUrl }: NonNullable<Config['callers']['tokens']>,
  clusters: readonly Transport[],
  troubles: Troubles,
): Promise<Verifier> {
  // Loaded only here, because it is a large part of the start-up time.
  const jose = await import('jose');
  const { decodeJwt, jwtVerify } = jose;
  const issuers: readonly Issuer[] =
    jwksUrl === undefined
      ? clusters.map((cluster) => ({ name: issuerOf(cluster, issuer), keys: keysOf(cluster, jose, troubles) }))
      : [{ name: async () => issuer ?? '', keys: cachedKeys(await keysFrom(jwksUrl), jose, troubles) }];
  const [only, ...others] = issuers;
  // Each of several clusters is asked from its first event on.
  if (only !== undefined && others.length === 0) readEarly(only);

  async function verifiedBy({ name, keys }: Issuer, token: string): Promise<string | undefined> {
    const claimed = decodeJwt(token);
    const issuerName = await inTime(name());
    // Checked first, so that a token does not cause reads of another issuer's keys.
    if (claimed.iss !== issuerName) throw new jose.errors.JWTClaimValidationFailed('Another issuer', claimed, 'iss');
    const { payload } = await jwtVerify(token, withReadFailures(keys.keyFor), {
      issuer: issuerName,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'sub'],
    });
    return payload.sub;
  }

  return async (token) => {
    try {
      // In parallel, so that a cluster that does not answer does not delay the callers from other clusters.
      return await Promise.any(issuers.map((each) => verifiedBy(each, token)));
    } catch (error) {
      const { errors } = error as AggregateError;
      throw errors.find((each) => each instanceof NoKeysError) ?? errors.at(-1);
    }
  };
}

/** The issuer of a cluster's ServiceAccount tokens, which each API server names itself. */
function issuerOf(cluster: Transport, configured: string | undefined): () => Promise<string> {
  let known = configured === undefined ? undefined : Promise.resolve(configured);
  const read = async (): Promise<string> => {
    const what = 'get the issuer of tokens';
    const answer = await cluster.json({ method: 'GET', path: CLUSTER_ISSUER, what, turn: 'at once' });
    return (answer as { issuer: string }).issuer;
  };
  function start(): Promise<string> {
    // Later callers do not wait for a read that hangs: they start another one. A late answer still counts.
    const forget = setTimeout(() => (known = undefined), WAIT_MS).unref();
    return read()
      .then((name) => {
        known = Promise.resolve(name);
        return name;
      })
      .catch((error: unknown) => {
        known = undefined;
        throw new NoKeysError('Could not read the issuer', { cause: error });
      })
      .finally(() => clearTimeout(forget));
  }
  return () => (known ??= start());
}

const keysOf = (cluster: Transport, jose: typeof Jose, troubles: Troubles): CachedKeys =>
  cachedKeys(
    {
      origin: new URL(cluster.server).origin,
      read: (signal) =>
        cluster.json({ method: 'GET', path: CLUSTER_KEYS, what: 'get the keys of tokens', turn: 'at once', signal }),
    },
    jose,
    troubles,
  );

/** Imported only if CALLER_JWKS_URL is set, so that a start loads less. */
const keysFrom = async (url: URL): Promise<KeySource> => (await import('./keys-at.ts')).keysAt(url);

/**
 * Reads an issuer and its keys while the host waits for its first event. A failure has no effect: the first token then reads them
 * again, and reports it.
 */
function readEarly({ name, keys }: Issuer): void {
  for (const read of [name, keys.read]) read().catch(() => {});
}

/** The longest time that a caller waits, in milliseconds. The read continues for later callers. */
const WAIT_MS = 10_000;

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new NoKeysError(`Reading the issuer or its keys took longer than ${WAIT_MS} ms`)),
      WAIT_MS,
    );
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Throws a `NoKeysError` if the keys could not be read, so that this differs from a key that does not exist. */
const withReadFailures =
  (keys: JWTVerifyGetKey): JWTVerifyGetKey =>
  async (header, token) => {
    try {
      return await inTime(Promise.resolve(keys(header, token)));
    } catch (error) {
      if (!isReadFailure(error) || error instanceof NoKeysError) throw error;
      throw new NoKeysError('Could not read the keys', { cause: error });
    }
  };
