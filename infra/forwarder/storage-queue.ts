import { DefaultAzureCredential } from '@azure/identity';
import { AnonymousCredential, QueueClient, RestError, StorageSharedKeyCredential } from '@azure/storage-queue';
import { HTTP } from 'cloudevents';
import { failureOf, type Sink } from './sink.ts';
import type { QueueSinkConfig } from './sink-config.ts';

/** The one refusal that is about the message; all others are about the queue or our rights, and can be mended. */
const TOO_LARGE = 413;

/**
 * A queue of Azure Storage, for the functions' queue trigger. A message is a structured CloudEvent in base64, which is
 * what the trigger's `messageEncoding` is by default (host.json, extensions.queues).
 */
export function storageQueueSink({ url, accountKey }: QueueSinkConfig): Sink {
  // Our own queue tries again, and knows what is newer by then.
  const client = new QueueClient(url.href, credentialFor(url, accountKey), { retryOptions: { maxTries: 1 } });
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
    close: async () => {},
  };
}

function credentialFor(url: URL, accountKey: string | undefined) {
  if (accountKey !== undefined) return new StorageSharedKeyCredential(accountOf(url), accountKey);
  return url.searchParams.has('sig') ? new AnonymousCredential() : new DefaultAzureCredential();
}

/** Azure has the account in the host's name, and the emulator in the path. */
function accountOf({ hostname, pathname }: URL): string {
  const [first = '', second] = pathname.split('/').filter((part) => part !== '');
  return second === undefined ? (hostname.split('.')[0] ?? '') : first;
}
