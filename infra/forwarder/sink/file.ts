import { fileURLToPath } from 'node:url';
import { EventFile, isWritable, lineOf, statsAt } from '../../../functions/events/event-file.ts';
import type { FileSinkConfig } from './config.ts';
import { failureOf, type Sink } from './sink.ts';

/**
 * Appends events to a file, for `website events replay`. A file that cannot be written is a failed delivery, which is retried.
 * @throws if the path is a folder or something else that is not a file.
 */
export async function fileSink({ url }: FileSinkConfig): Promise<Sink> {
  const path = fileURLToPath(url);
  // Any other problem only fails a delivery: the folder may be mounted later.
  const there = await statsAt(path).catch(() => undefined);
  if (there !== undefined && !isWritable(there))
    throw new Error(`--sink (SINK, K_SINK): ${path} is not a file. Name a file, which the forwarder creates`);
  const file = new EventFile(path);
  return {
    async send(event, timeoutMs) {
      const givingUp = new AbortController();
      const timer = setTimeout(() => givingUp.abort(), timeoutMs);
      try {
        await file.append([lineOf(event)], givingUp.signal);
        return { kind: 'accepted' };
      } catch (error) {
        return failureOf(error);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => file.close(),
  };
}
