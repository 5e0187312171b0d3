import { Webhook } from 'standardwebhooks';
import { entraToken } from '../../../functions/cluster/credentials/entra.ts';
import { credentialText } from '../../../functions/cluster/credentials/file-text.ts';
import { tokenProblem } from '../../../functions/cluster/credentials/plausible.ts';
import { unreadable } from '../../../functions/cluster/without-secrets.ts';
import type { Troubles } from '../../../functions/cluster/troubles.ts';
import type { CredentialSettings } from './config.ts';

/** Makes the authentication headers of one message. @throws Error if it cannot get a token. */
export type Credentials = (message: { readonly id: string; readonly body: string }) => Promise<Record<string, string>>;

/** How long a token that was read is reused. The kubelet rotates a projected token long before it expires. */
const TOKEN_FILE_MS = 10_000;

/** One function for each configured method. A message carries the headers of all of them. */
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
 * Reads a token from a file that another process rotates, as the kubelet does for projected ServiceAccount tokens. If the file is
 * unreadable or half written, the previous token stays in use.
 */
function tokenIn(path: string, troubles: Troubles): () => Promise<string> {
  const subject = `token ${path} for the sink`;
  let token: string | undefined;
  let readAt = -Infinity;
  const read = (): string => {
    const text = credentialText(path).trim();
    const problem = tokenProblem(text);
    if (problem !== undefined) throw new Error(`it ${problem}`);
    troubles.end(subject);
    return text;
  };
  return async () => {
    if (token !== undefined && performance.now() - readAt <= TOKEN_FILE_MS) return token;
    readAt = performance.now();
    try {
      token = read();
    } catch (error) {
      const why = error instanceof Error ? error.message : 'it cannot be read';
      if (token === undefined)
        throw new Error(`Could not use the token file ${unreadable(path, error)}`, { cause: error });
      troubles.begin(subject, why);
    }
    return token;
  };
}

/** Standard Webhooks. Every active secret signs, so that the sink can switch to another one at any time. */
function signature(secrets: readonly string[]): Credentials {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return async ({ id: eventId, body }) => {
    const now = new Date();
    // The signed text is separated by dots, so the id must not contain any. Our ids contain no underscores, so they stay unique.
    const id = eventId.replaceAll('.', '_');
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': webhooks.map((webhook) => webhook.sign(id, now, body)).join(' '),
    };
  };
}
