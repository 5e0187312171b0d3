import * as http from 'node:http';
import * as https from 'node:https';
import { DefaultAzureCredential } from '@azure/identity';
import { AnonymousCredential, QueueClient, RestError, StorageSharedKeyCredential } from '@azure/storage-queue';
import { HTTP } from 'cloudevents';
import { guardedLookup } from './metadata-address.ts';
import { failureOf, type Sink } from './sink.ts';
import type { QueueSinkConfig } from './config.ts';

/** The only status that blames the message. All others concern the queue or our permissions, and an operator can fix them. */
const TOO_LARGE = 413;

/**
 * Sends events to an Azure Storage queue, for the functions' queue trigger. A message is a structured CloudEvent in base64, the
 * default `messageEncoding` of the trigger (host.json, extensions.queues).
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
        // The message of Azure's error can contain the signed string, so only its code is quoted.
        const refusal = { status: error.statusCode, why: `HTTP ${error.statusCode} ${error.code ?? ''}`.trim() };
        return { kind: error.statusCode === TOO_LARGE ? 'rejected' : 'failed', ...refusal };
      }
    },
    close: async () => agent.destroy(),
  };
}

/**
 * Options that the SDK passes to its pipeline; its types declare only the first. It must not retry, because our own work queue
 * retries with the newest change. It must not follow redirects, because events go only to the URL that the operator configured.
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

/** Azure puts the account name into the host name; the emulator puts it into the path. */
function accountOf({ hostname, pathname }: URL): string {
  const [first = '', second] = pathname.split('/').filter((part) => part !== '');
  return second === undefined ? (hostname.split('.')[0] ?? '') : first;
}
