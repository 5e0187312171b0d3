// Stands in for the queue trigger's listener in the Azure Functions host, with the numbers of host.json.
// Source: the QueueProcessor and QueueListener of the Storage extension.
import { readFileSync } from 'node:fs';
import type { QueueClient, DequeuedMessageItem } from '@azure/storage-queue';

const { queues } = (
  JSON.parse(readFileSync('host.json', 'utf8')) as {
    extensions: { queues: { batchSize: number; maxDequeueCount: number; messageEncoding: string } };
  }
).extensions;

/** Gives a message to the function. @returns what it failed with. */
type Run = (request: { data: object; triggerMetadata: object }) => Promise<string | undefined>;

/**
 * Hands each message over until the queue is empty. A message that fails comes again at once: nobody waits for host.json's
 * `visibilityTimeout` here. One that has failed `maxDequeueCount` times goes to the poison queue.
 * @returns how often a message was handed over.
 */
export async function drain(queue: QueueClient, poison: QueueClient, run: Run): Promise<number> {
  for (let tries = 0; ;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: queues.batchSize });
    if (receivedMessageItems.length === 0) return tries;
    tries += receivedMessageItems.length;
    await Promise.all(receivedMessageItems.map((message) => handOver(message, { queue, poison, run })));
  }
}

async function handOver(
  message: DequeuedMessageItem,
  { queue, poison, run }: { queue: QueueClient; poison: QueueClient; run: Run },
): Promise<void> {
  const { messageId, popReceipt, messageText, dequeueCount } = message;
  const failure = await run(typedMessage(message));
  if (failure !== undefined && dequeueCount < queues.maxDequeueCount) {
    await queue.updateMessage(messageId, popReceipt, messageText, 0);
    return;
  }
  if (failure !== undefined) await poison.sendMessage(messageText);
  await queue.deleteMessage(messageId, popReceipt);
}

function typedMessage({ messageId, messageText, dequeueCount }: DequeuedMessageItem) {
  const text = Buffer.from(messageText, queues.messageEncoding as BufferEncoding).toString('utf8');
  const triggerMetadata = { Id: { string: JSON.stringify(messageId) }, DequeueCount: { string: String(dequeueCount) } };
  return { data: { string: text }, triggerMetadata };
}
