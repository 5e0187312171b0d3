import { Webhook } from 'standardwebhooks';
import { isStructured } from '../events/cloudevents.ts';
import type { Transport } from '../cluster/transport.ts';
import type { Troubles } from '../cluster/troubles.ts';
import type { Config } from '../config.ts';
import { codeOf, NoKeysError } from './keys.ts';
import { tokenVerifier, type Verifier } from './tokens.ts';
import type { Log } from '../telemetry/log.ts';
import { problem, tooLarge, type Reply } from '../reply.ts';

/** A request, as far as it shows who sent it. */
export interface Call {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** A signature for one of these must not do for the other. */
  readonly asksFor: 'events' | 'resync';
  /** Reads the body, where the headers leave it to a signature; nothing when there is too much of it. */
  readonly body: () => Promise<string | undefined>;
}

/** Who may have something done. It is checked here, whatever stands before the functions. */
export interface Callers {
  /** The answer for a caller who may not; nothing for one who may. The log is that of the request. */
  refusal(call: Call, log: Log): Promise<Reply | undefined>;
}

type TokenConfig = NonNullable<Config['callers']['tokens']>;
type Check = Callers['refusal'];

/** What a sender waits where the keys cannot be read. */
const KEYS_RETRY_SECONDS = 5;

/**
 * Everything that the checks need is loaded and made here, so that what fails does so at the start, where it is reported.
 * @param clusters whose ServiceAccounts may call, where no other issuer is configured.
 */
export async function callersFrom(
  { callers: { tokens, signingSecrets } }: Pick<Config, 'callers'>,
  clusters: readonly Transport[],
  troubles: Troubles,
): Promise<Callers> {
  const bySignature = signingSecrets === undefined ? undefined : signatureCheck(signingSecrets);
  const byToken =
    tokens === undefined ? undefined : tokenCheck(await tokenVerifier(tokens, clusters, troubles), tokens);
  return {
    async refusal(call, log) {
      if (bySignature === undefined && byToken === undefined) return undefined;
      const { 'webhook-signature': signature, authorization } = call.headers;
      if (bySignature !== undefined && signature !== undefined) return bySignature(call, log);
      if (byToken !== undefined && authorization !== undefined) return byToken(call, log);
      log.warn({ why: 'no credentials' }, 'Refused caller');
      return unauthorized('Say who you are');
    },
  };
}

/** Bearer tokens, whose subjects are among those that may call. */
function tokenCheck(verify: Verifier, tokens: TokenConfig): Check {
  return async ({ headers: { authorization = '' } }, log) => {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(authorization) ?? [];
    try {
      const subject = await verify(token);
      if (tokens.subjects.includes(subject ?? '')) return undefined;
      log.warn({ why: 'another subject', subject }, 'Refused caller');
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

/** Standard Webhooks: any of the active keys, not older than 5 minutes, and for what it was made for alone. */
function signatureCheck(secrets: readonly string[]): Check {
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
      log.warn({ why }, 'Refused caller');
      return unauthorized(why);
    };
    const unclear = headersProblem(call);
    if (unclear !== undefined) return refuse(unclear);
    const body = await call.body();
    if (body === undefined) return tooLarge();
    const unbound = bodyProblem(call, body);
    if (unbound !== undefined) return refuse(unbound);
    if (isSigned(body, call.headers)) return undefined;
    return refuse('The signature is not one that is accepted here, or is older than 5 minutes');
  };
}

/**
 * What is signed is `ID.TIMESTAMP.BODY`. It has one meaning only where the body begins at the first brace or bracket, so the id
 * has neither, and the timestamp has digits alone. Dots in an id are harmless then, and other senders use the ids of their events.
 */
const PLAIN_ID = /^[^\s{[]+$/;
const PLAIN_TIMESTAMP = /^\d{1,12}$/;
/** Standard Webhooks; the library's own. */
const TOLERANCE_SECONDS = 300;

/** Why the headers leave it open what a signature is for. It covers neither them nor the path, so what matters is in the body. */
function headersProblem({ headers, asksFor }: Call): string | undefined {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '' } = headers;
  if (!PLAIN_ID.test(id)) return 'webhook-id must be there, without white space, { and [';
  if (!PLAIN_TIMESTAMP.test(timestamp)) return 'webhook-timestamp must be there, in whole seconds';
  // Looked at before the body is read, and again with the signature.
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS + 1)
    return 'webhook-timestamp is more than 5 minutes away from now';
  if (asksFor === 'resync' || isStructured(headers)) return undefined;
  return 'A signature covers the body alone: send structured CloudEvents';
}

/** Why a body cannot have been signed for this: one that is empty asks for a resync, and any other has events. */
function bodyProblem({ asksFor }: Call, body: string): string | undefined {
  if (asksFor === 'events')
    return body === '' ? 'A signed body must not be empty: send structured CloudEvents' : undefined;
  return body === '' ? undefined : 'A signed request for a resync has an empty body: send signed events to /';
}

function unauthorized(detail: string, error?: string): Reply {
  const reply = problem(401, detail);
  const challenge = ['Bearer realm="website-reconciler"', ...(error === undefined ? [] : [error])].join(', ');
  return { ...reply, headers: { ...reply.headers, 'www-authenticate': challenge } };
}
