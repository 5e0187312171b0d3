import type * as Jose from 'jose';
import type { JWTVerifyGetKey } from 'jose';
import type { Transport } from '../cluster/transport.ts';
import type { Troubles } from '../cluster/troubles.ts';
import type { Config } from '../config.ts';
import { isUnread, keptKeys, NoKeysError } from './keys.ts';

/** Asymmetric ones: whoever can verify a token must not be able to make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** How far clocks may differ. */
const TOLERANCE_SECONDS = 60;
/** Where an API server says who issues its ServiceAccounts' tokens, and with which keys; every ServiceAccount may read both. */
const CLUSTER_ISSUER = '/.well-known/openid-configuration';
const CLUSTER_KEYS = '/openid/v1/jwks';

/** From a token to its subject. It throws a NoKeysError where it cannot tell, and jose's errors for a token that is none. */
export type Verifier = (token: string) => Promise<string | undefined>;

/** Whose tokens are believed. */
interface Issuer {
  readonly name: () => Promise<string>;
  readonly keys: JWTVerifyGetKey;
}

/**
 * Verifies ServiceAccount tokens of the clusters, or those of the one issuer that is configured.
 */
export async function tokenVerifier(
  { issuer, audience, jwksUrl }: NonNullable<Config['callers']['tokens']>,
  clusters: readonly Transport[],
  troubles: Troubles,
): Promise<Verifier> {
  // Loaded where it is needed: it is a good part of what starts.
  const jose = await import('jose');
  const { decodeJwt, jwtVerify } = jose;
  const issuers: readonly Issuer[] =
    jwksUrl === undefined
      ? clusters.map((cluster) => ({ name: issuerOf(cluster, issuer), keys: keysOf(cluster, jose, troubles) }))
      : [{ name: async () => issuer ?? '', keys: keptKeys({ url: jwksUrl, fetchKeys: fetch }, jose, troubles) }];

  async function verifiedBy({ name, keys }: Issuer, token: string): Promise<string | undefined> {
    const claimed = decodeJwt(token);
    const expected = await soon(name());
    // Looked at first, so that nobody's keys are asked for because of somebody else's token.
    if (claimed.iss !== expected) throw new jose.errors.JWTClaimValidationFailed('Another issuer', claimed, 'iss');
    const { payload } = await jwtVerify(token, answering(keys), {
      issuer: expected,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'sub'],
    });
    return payload.sub;
  }

  return async (token) => {
    try {
      // Side by side: one cluster that does not answer keeps the callers of no other waiting.
      return await Promise.any(issuers.map((each) => verifiedBy(each, token)));
    } catch (error) {
      const { errors } = error as AggregateError;
      throw errors.find((each) => each instanceof NoKeysError) ?? errors.at(-1);
    }
  };
}

/** The issuer of a cluster's ServiceAccounts, which differs from cluster to cluster. */
function issuerOf(cluster: Transport, configured: string | undefined): () => Promise<string> {
  let known = configured === undefined ? undefined : Promise.resolve(configured);
  const ask = async (): Promise<string> => {
    const what = 'get the issuer of tokens';
    const answer = await cluster.json({ method: 'GET', path: CLUSTER_ISSUER, what, turn: 'at once' });
    return (answer as { issuer: string }).issuer;
  };
  function begin(): Promise<string> {
    // One that hangs is not waited for by all who come later, and its answer counts whenever it comes.
    const forget = setTimeout(() => (known = undefined), WAIT_MS).unref();
    return ask()
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
  return () => (known ??= begin());
}

function keysOf(cluster: Transport, jose: typeof Jose, troubles: Troubles): JWTVerifyGetKey {
  const fetchKeys = async (): Promise<Response> =>
    Response.json(
      await cluster.json({ method: 'GET', path: CLUSTER_KEYS, what: 'get the keys of tokens', turn: 'at once' }),
    );
  return keptKeys({ url: new URL(CLUSTER_KEYS, cluster.server), fetchKeys }, jose, troubles);
}

/** A caller waits no longer than this, in milliseconds. What is asked goes on, for those who come later. */
const WAIT_MS = 10_000;

async function soon<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoKeysError('The issuer or its keys did not come in time')), WAIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Tells a key that is not there from keys that are not. */
const answering =
  (keys: JWTVerifyGetKey): JWTVerifyGetKey =>
  async (header, token) => {
    try {
      return await soon(Promise.resolve(keys(header, token)));
    } catch (error) {
      if (!isUnread(error) || error instanceof NoKeysError) throw error;
      throw new NoKeysError('Could not read the keys', { cause: error });
    }
  };
