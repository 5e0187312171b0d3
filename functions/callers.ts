import { Webhook } from 'standardwebhooks';
import type { Transport } from './cluster/transport.ts';
import type { Config } from './config.ts';
import type { Log } from './context.ts';
import { problem, tooLarge, type Reply } from './reconcile-website.ts';
import { codeOf, NoKeysError, tokenVerifier } from './tokens.ts';

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

/** What a sender waits where the keys cannot be read. */
const KEYS_RETRY_SECONDS = 5;

/**
 * Everything that the checks need is loaded and made here, so that what fails does so at the start, where it is reported.
 * @param clusters whose ServiceAccounts may call, where no other issuer is configured.
 */
export async function callersFrom(
  { callers: { tokens, signingSecrets } }: Pick<Config, 'callers'>,
  clusters: readonly Transport[],
  log: Log,
): Promise<Callers> {
  const bySignature = signingSecrets === undefined ? undefined : signatureCheck(signingSecrets, log);
  const byToken = tokens === undefined ? undefined : await tokenCheck(tokens, clusters, log);
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

/** Bearer tokens, whose subjects are among those that may call. */
async function tokenCheck(tokens: TokenConfig, clusters: readonly Transport[], log: Log): Promise<Check> {
  const verify = await tokenVerifier(tokens, clusters);
  return async ({ authorization = '' }) => {
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

/** A signature covers the body alone, so what matters has to be in there: structured CloudEvents. */
const STRUCTURED = /^application\/cloudevents(-batch)?\+json\b/i;

/** Standard Webhooks: any of the active keys, not older than 5 minutes. */
function signatureCheck(secrets: readonly string[], log: Log): Check {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return async (headers, read) => {
    const body = await read();
    if (body === undefined) return tooLarge();
    if (body !== '' && !STRUCTURED.test(headers['content-type'] ?? '')) {
      log.warn({ why: 'signed, and not structured' }, 'Refused caller');
      return unauthorized('A signature covers the body alone: send structured CloudEvents');
    }
    const isSigned = webhooks.some((webhook) => {
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
