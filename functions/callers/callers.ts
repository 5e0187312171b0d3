import { Webhook } from 'standardwebhooks';
import { isStructured } from '../events/cloudevents.ts';
import type { Transport } from '../cluster/transport.ts';
import type { Troubles } from '../cluster/troubles.ts';
import type { Config } from '../config.ts';
import { codeOf, NoKeysError } from './keys.ts';
import type { Thinned } from '../telemetry/thinned.ts';
import { whyOf } from './token-refusals.ts';
import { tokenVerifier, type Verifier } from './tokens.ts';
import { logRefusal } from './refusals.ts';
import type { Log } from '../telemetry/log.ts';
import { problem, tooLarge, type Reply } from '../reply.ts';

/** The parts of a request that identify its sender. */
export interface Call {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** A signature for one of these must not be valid for the others. */
  readonly asksFor: 'events' | 'resync' | 'history';
  /** Reads the signed text, which is the body or `signedQuery`; `undefined` if it is too large. */
  readonly body: () => Promise<string | undefined>;
}

/** Authenticates callers, even if a gateway in front of the functions has done so already. */
export interface Callers {
  /** The answer to a caller that is not allowed; `undefined` for one that is. @param log the log of this request. */
  refusal(call: Call, log: Log): Promise<Reply | undefined>;
}

type TokenConfig = NonNullable<Config['callers']['tokens']>;
type Check = Callers['refusal'];

/** `Retry-After` while the keys cannot be read. */
const KEYS_RETRY_SECONDS = 5;

/**
 * Prepares the configured checks. All of it happens at the start, where a failure is reported.
 * @param clusters the issuers of tokens, if no other issuer is configured.
 */
export async function callersFrom(
  { callers: { tokens, signingSecrets } }: Pick<Config, 'callers'>,
  clusters: readonly Transport[],
  troubles: Troubles,
  thinned: Thinned,
): Promise<Callers> {
  const bySignature = signingSecrets === undefined ? undefined : signatureCheck(signingSecrets, thinned);
  const byToken =
    tokens === undefined ? undefined : tokenCheck(await tokenVerifier(tokens, clusters, troubles), tokens, thinned);
  return {
    async refusal(call, log) {
      if (bySignature === undefined && byToken === undefined) return undefined;
      const { 'webhook-signature': signature, authorization } = call.headers;
      if (bySignature !== undefined && signature !== undefined) return bySignature(call, log);
      if (byToken !== undefined && authorization !== undefined) return byToken(call, log);
      logRefusal({ why: 'no credentials' }, thinned, log);
      return unauthorized('Authentication is required');
    },
  };
}

/** Accepts bearer tokens with one of the allowed subjects. */
function tokenCheck(verify: Verifier, tokens: TokenConfig, thinned: Thinned): Check {
  return async ({ headers: { authorization = '' } }, log) => {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(authorization) ?? [];
    try {
      const subject = await verify(token);
      if (tokens.subjects.includes(subject ?? '')) return undefined;
      logRefusal({ why: 'subject is not allowed', subject }, thinned, log);
      return problem(403, 'The subject of the token is not one of CALLER_SUBJECTS');
    } catch (error) {
      if (error instanceof NoKeysError) {
        thinned.log(log, 'error', 'no keys', { err: error }, 'Could not read the keys that verify tokens');
        const reply = problem(503, 'The keys that verify tokens are not available');
        return { ...reply, headers: { ...reply.headers, 'retry-after': String(KEYS_RETRY_SECONDS) } };
      }
      logRefusal({ why: whyOf(error), code: codeOf(error) }, thinned, log);
      return unauthorized('The token is not accepted', 'error="invalid_token"');
    }
  };
}

/** Accepts Standard Webhooks signatures made with any of the secrets, at most 5 minutes old, and for this purpose only. */
function signatureCheck(secrets: readonly string[], thinned: Thinned): Check {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  const isSigned = (body: string, headers: Call['headers']) =>
    webhooks.some((webhook) => {
      try {
        webhook.verify(body, headers, { jsonParse: false });
        return true;
      } catch {
        return false;
      }
    });
  return async (call, log) => {
    const refuse = (why: string): Reply => {
      logRefusal({ why }, thinned, log);
      return unauthorized(why);
    };
    const inHeaders = headersProblem(call);
    if (inHeaders !== undefined) return refuse(inHeaders);
    const body = await call.body();
    if (body === undefined) return tooLarge();
    const inBody = bodyProblem(call, body);
    if (inBody !== undefined) return refuse(inBody);
    if (isSigned(body, call.headers)) return undefined;
    return refuse('The signature is not valid, or is older than 5 minutes');
  };
}

/**
 * The signed text is `ID.TIMESTAMP.BODY`. Dots do not separate these parts reliably, so the body is taken to begin at the first
 * `{` or `[`. So an id must contain neither, and a timestamp consists of digits. Senders may use their events' ids, dots included.
 */
const PLAIN_ID = /^[^\s{[]+$/;
const PLAIN_TIMESTAMP = /^\d{1,12}$/;
/** The tolerance of the Standard Webhooks library. */
const TOLERANCE_SECONDS = 300;

/**
 * Why the headers do not fit a signature. A signature covers neither the path nor the headers of a binary event, so everything that
 * matters must be in the body.
 */
function headersProblem({ headers, asksFor }: Call): string | undefined {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '' } = headers;
  if (!PLAIN_ID.test(id)) return 'webhook-id is required and must not contain white space, { or [';
  if (!PLAIN_TIMESTAMP.test(timestamp)) return 'webhook-timestamp is required, in whole seconds';
  // The library checks this too, but only after the body has been read.
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS + 1)
    return 'webhook-timestamp differs from the current time by more than 5 minutes';
  if (asksFor !== 'events' || isStructured(headers)) return undefined;
  return 'A signature covers only the body. Send structured CloudEvents';
}

/**
 * The text that a signature of a query for the history covers, since a GET has no body. It is not a CloudEvent, so the functions do not
 * accept it as one.
 * @param search the query of the URL as it was sent, with its question mark.
 */
export const signedQuery = (search: string): string => JSON.stringify({ history: search });

/** Why a body cannot have been signed for this request: an empty body requests a resync, and any other body holds events. */
function bodyProblem({ asksFor }: Call, body: string): string | undefined {
  if (asksFor === 'history') return undefined;
  if (asksFor === 'events')
    return body === '' ? 'A signed body must not be empty. Send structured CloudEvents' : undefined;
  return body === '' ? undefined : 'A signed resync request must have an empty body. Send signed events to /';
}

function unauthorized(detail: string, error?: string): Reply {
  const reply = problem(401, detail);
  const challenge = ['Bearer realm="website-reconciler"', ...(error === undefined ? [] : [error])].join(', ');
  return { ...reply, headers: { ...reply.headers, 'www-authenticate': challenge } };
}
