import { readFile } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';
import { entraToken } from '../../../functions/cluster/entra.ts';
import { tokenProblem } from '../../../functions/cluster/plausible.ts';
import type { Troubles } from '../../../functions/cluster/troubles.ts';
import type { CredentialSettings } from './config.ts';

/** The headers that show a sink who we are, for one message. @throws Error when a token cannot be had. */
export type Credentials = (message: { readonly id: string; readonly body: string }) => Promise<Record<string, string>>;

/** A projected token is renewed long before it ends; this is how much later we may see the new one. */
const TOKEN_FILE_MS = 10_000;

/** One for each way that is set; together they make the headers. */
export function credentialsFrom(settings: CredentialSettings, troubles: Troubles): Credentials[] {
  const { functionKey, eventGrid, bearerToken, tokenFile, entraScope, signingSecrets } = settings;
  return [
    functionKey === undefined ? undefined : fixed({ 'x-functions-key': functionKey }),
    eventGrid === undefined ? undefined : fixed(eventGrid),
    bearerToken === undefined ? undefined : bearer(async () => bearerToken),
    tokenFile === undefined ? undefined : bearer(tokenIn(tokenFile, troubles)),
    entraScope === undefined ? undefined : bearer(entraToken(entraScope)),
    signingSecrets === undefined ? undefined : signature(signingSecrets),
  ].filter((each) => each !== undefined);
}

const fixed =
  (headers: Record<string, string>): Credentials =>
  async () =>
    headers;

const bearer =
  (token: () => Promise<string>): Credentials =>
  async () => ({ authorization: `Bearer ${await token()}` });

/**
 * A token that somebody else keeps fresh in a file: the kubelet, for a projected ServiceAccount token. What the file holds takes
 * the place of the token that there is only where it can be one: the file may be half written.
 */
function tokenIn(path: string, troubles: Troubles): () => Promise<string> {
  const subject = `token ${path} for the sink`;
  let token: string | undefined;
  let readAt = -Infinity;
  const read = async (): Promise<string> => {
    const text = (await readFile(path, 'utf8')).trim();
    const problem = tokenProblem(text);
    if (problem !== undefined) throw new Error(`it ${problem}`);
    troubles.end(subject);
    return text;
  };
  return async () => {
    if (token !== undefined && performance.now() - readAt <= TOKEN_FILE_MS) return token;
    readAt = performance.now();
    try {
      token = await read();
    } catch (error) {
      const why = error instanceof Error ? error.message : 'it cannot be read';
      if (token === undefined) throw new Error(`Could not use the token file ${path}: ${why}`, { cause: error });
      troubles.begin(subject, why);
    }
    return token;
  };
}

/** Standard Webhooks: all active keys sign, so that a sink may change its own at any time. */
function signature(secrets: readonly string[]): Credentials {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return async ({ id: eventId, body }) => {
    const now = new Date();
    // Dots part what is signed, so an id has none. Ours have no underscores: no two become the same, and a resend keeps its own.
    const id = eventId.replaceAll('.', '_');
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': webhooks.map((webhook) => webhook.sign(id, now, body)).join(' '),
    };
  };
}
