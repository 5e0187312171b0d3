import * as http from 'node:http';
import * as https from 'node:https';
import { DefaultAzureCredential } from '@azure/identity';
import { AnonymousCredential, QueueClient, RestError, StorageSharedKeyCredential } from '@azure/storage-queue';
import { HTTP } from 'cloudevents';
import { guardedLookup } from './metadata-address.ts';
import { failureOf, type Sink } from './sink.ts';
import type { QueueSinkConfig } from './config.ts';

/** The one refusal that is about the message; all others are about the queue or our rights, and can be mended. */
const TOO_LARGE = 413;

/**
 * A queue of Azure Storage, for the functions' queue trigger. A message is a structured CloudEvent in base64, which is
 * what the trigger's `messageEncoding` is by default (host.json, extensions.queues).
 */
export function storageQueueSink({ url, accountKey }: QueueSinkConfig): Sink {
  const { Agent } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true, lookup: guardedLookup });
  const client = new QueueClient(url.href, credentialFor(url, accountKey), pipelineWith(agent));
  return {
    async send(event, timeoutMs) {
      const text = Buffer.from(String(HTTP.structured(event).body)).toString('base64');
      try {
        await client.sendMessage(text, { abortSignal: AbortSignal.timeout(timeoutMs) });
        return { kind: 'accepted', status: 201 };
      } catch (error) {
        if (!(error instanceof RestError) || error.statusCode === undefined) return failureOf(error);
        // Only Azure's code is quoted: its message shows the string that was signed.
        const refusal = { status: error.statusCode, why: `HTTP ${error.statusCode} ${error.code ?? ''}`.trim() };
        return { kind: error.statusCode === TOO_LARGE ? 'rejected' : 'failed', ...refusal };
      }
    },
    close: async () => agent.destroy(),
  };
}

/**
 * Options that the SDK passes on to its pipeline. It declares only the first. Our own queue retries, with what is newer by then; and the sink
 * is the one that the operator named, so redirects are not followed.
 */
const pipelineWith = (agent: http.Agent) => ({
  retryOptions: { maxTries: 1 },
  redirectOptions: { maxRetries: 0 },
  agent,
});

function credentialFor(url: URL, accountKey: string | undefined) {
  if (accountKey !== undefined) return new StorageSharedKeyCredential(accountOf(url), accountKey);
  return url.searchParams.has('sig') ? new AnonymousCredential() : new DefaultAzureCredential();
}

/** Azure has the account in the host's name, and the emulator in the path. */
function accountOf({ hostname, pathname }: URL): string {
  const [first = '', second] = pathname.split('/').filter((part) => part !== '');
  return second === undefined ? (hostname.split('.')[0] ?? '') : first;
}
