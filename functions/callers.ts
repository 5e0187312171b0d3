import type { JWTVerifyGetKey } from 'jose';
import type { Transport } from './cluster/transport.ts';
import type { Config } from './config.ts';
import type { Log } from './context.ts';
import { problem, tooLarge, type Reply } from './reconcile-website.ts';

/** Header names in lower case. */
type Headers = Readonly<Record<string, string>>;

/** Who may have something done. It is checked here, whatever stands before the functions. */
export interface Callers {
  /**
   * The answer for a caller who may not; nothing for one who may.
   * @param body is read only where the headers leave it to a signature; nothing when there is too much of it.
   */
  refusal(headers: Headers, body: () => Promise<string | undefined>): Promise<Reply | undefined>;
}

type TokenConfig = NonNullable<Config['callers']['tokens']>;
type Check = (headers: Headers, body: () => Promise<string | undefined>) => Promise<Reply | undefined>;

/** Asymmetric ones: whoever can verify a token must not be able to make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** How far clocks may differ. */
const TOLERANCE_SECONDS = 60;
/** A token with a key that nobody knows makes us look for new ones, this often at most; and now and then without one. */
const KEYS = { cooldownDuration: 5_000, cacheMaxAge: 600_000, timeoutDuration: 5_000 };
const KEYS_RETRY_SECONDS = 5;
/** Where an API server says who issues its ServiceAccounts' tokens, and with which keys; every ServiceAccount may read both. */
const CLUSTER_ISSUER = '/.well-known/openid-configuration';
const CLUSTER_KEYS = '/openid/v1/jwks';

/** @param transport of the cluster whose ServiceAccounts may call, where no other place for keys is configured. */
export function callersFrom({ callers }: Pick<Config, 'callers'>, transport: Transport, log: Log): Callers {
  const { tokens, signingSecrets } = callers;
  const bySignature = signingSecrets === undefined ? undefined : signatureCheck(signingSecrets, log);
  const byToken = tokens === undefined ? undefined : tokenCheck(tokens, transport, log);
  return {
    async refusal(headers, body) {
      if (bySignature === undefined && byToken === undefined) return undefined;
      if (bySignature !== undefined && headers['webhook-signature'] !== undefined) return bySignature(headers, body);
      if (byToken !== undefined && headers['authorization'] !== undefined) return byToken(headers, body);
      log.warn({ why: 'no credentials' }, 'Refused caller');
      return unauthorized('Say who you are');
    },
  };
}

/** ServiceAccount tokens, and those of any other OpenID Connect issuer. */
function tokenCheck({ issuer, audience, subjects, jwksUrl }: TokenConfig, transport: Transport, log: Log): Check {
  // Loaded where it is needed: it is a good part of what starts.
  const jose = import('jose');
  const keys = jose.then(({ createRemoteJWKSet, customFetch }) =>
    jwksUrl === undefined
      ? createRemoteJWKSet(new URL(CLUSTER_KEYS, transport.server), { ...KEYS, [customFetch]: fetchThrough(transport) })
      : createRemoteJWKSet(jwksUrl, KEYS),
  );
  const accepted = issuer === undefined ? issuerOf(transport) : async () => issuer;
  return async ({ authorization = '' }) => {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(authorization) ?? [];
    const { jwtVerify } = await jose;
    try {
      const { payload } = await jwtVerify(token, answering(await keys), {
        issuer: await accepted(),
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: TOLERANCE_SECONDS,
        requiredClaims: ['exp', 'sub'],
      });
      if (subjects.includes(payload.sub ?? '')) return undefined;
      log.warn({ why: 'another subject', subject: payload.sub }, 'Refused caller');
      return problem(403, 'This caller may not do this: CALLER_SUBJECTS has those who may');
    } catch (error) {
      if (error instanceof NoKeysError) {
        log.error({ err: error }, 'Could not read the keys of callers');
        const reply = problem(503, 'The keys to verify tokens with cannot be had');
        return { ...reply, headers: { ...reply.headers, 'retry-after': String(KEYS_RETRY_SECONDS) } };
      }
      log.warn({ why: codeOf(error) }, 'Refused caller');
      return unauthorized('The token is not one that is accepted here', 'error="invalid_token"');
    }
  };
}

/** The issuer of the cluster's own ServiceAccounts, which differs from cluster to cluster. */
function issuerOf(transport: Transport): () => Promise<string> {
  let known: Promise<string> | undefined;
  const ask = async (): Promise<string> => {
    const what = 'get the issuer of tokens';
    const answer = await transport.json({ method: 'GET', path: CLUSTER_ISSUER, what });
    return (answer as { issuer: string }).issuer;
  };
  return () =>
    (known ??= ask().catch((error: unknown) => {
      known = undefined;
      throw new NoKeysError('Could not read the issuer', { cause: error });
    }));
}

/** The keys could not be read: nothing is wrong with the caller. */
class NoKeysError extends Error {
  override readonly name = 'NoKeysError';
}

/** Tells a key that is not there from keys that are not. */
const answering =
  (keys: JWTVerifyGetKey): JWTVerifyGetKey =>
  async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      const code = codeOf(error);
      if (code.startsWith('ERR_JWKS_') && code !== 'ERR_JWKS_TIMEOUT' && code !== 'ERR_JWKS_INVALID') throw error;
      if (code === 'ERR_JOSE_NOT_SUPPORTED') throw error;
      throw new NoKeysError('Could not read the keys', { cause: error });
    }
  };

/** Never what an error says: it may quote the token. */
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';

const fetchThrough =
  (transport: Transport) =>
  async (url: string): Promise<Response> =>
    Response.json(await transport.json({ method: 'GET', path: new URL(url).pathname, what: 'get the keys of tokens' }));

/** A signature covers the body alone, so what matters has to be in there: structured CloudEvents. */
const STRUCTURED = /^application\/cloudevents(-batch)?\+json\b/i;

/** Standard Webhooks: any of the active keys, not older than 5 minutes. */
function signatureCheck(secrets: readonly string[], log: Log): Check {
  const webhooks = import('standardwebhooks').then(({ Webhook }) => secrets.map((secret) => new Webhook(secret)));
  return async (headers, read) => {
    const body = await read();
    if (body === undefined) return tooLarge();
    if (body !== '' && !STRUCTURED.test(headers['content-type'] ?? '')) {
      log.warn({ why: 'signed, and not structured' }, 'Refused caller');
      return unauthorized('A signature covers the body alone: send structured CloudEvents');
    }
    const isSigned = (await webhooks).some((webhook) => {
      try {
        webhook.verify(body, headers, { jsonParse: false });
        return true;
      } catch {
        return false;
      }
    });
    if (isSigned) return undefined;
    log.warn({ why: 'the signature' }, 'Refused caller');
    return unauthorized('The signature is not one that is accepted here, or is older than 5 minutes');
  };
}

function unauthorized(detail: string, error?: string): Reply {
  const reply = problem(401, detail);
  const challenge = ['Bearer realm="website-reconciler"', ...(error === undefined ? [] : [error])].join(', ');
  return { ...reply, headers: { ...reply.headers, 'www-authenticate': challenge } };
}
