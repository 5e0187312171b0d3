import type { WebsiteEvent } from '../event.ts';
import { failureOf, type Delivery, type Sink } from './sink.ts';

/** A batch is done when its slowest event is, and more than so many in one save no more (docs/adr/0009-where-the-time-goes.md). */
const LARGEST_BATCH = 4;

interface Waiting {
  readonly event: WebsiteEvent;
  readonly timeoutMs: number;
  readonly resolve: (delivery: Delivery) => void;
}

/**
 * Sends together what comes in the same turn of the event loop: none waits for another that may come later. All of a batch wait
 * for its slowest, so what may take longer than the rest, as a resync, goes with its like, and what has failed before goes alone.
 * @param sendAll sends events once, and gives what became of each, in their order. It never throws.
 */
export function batching(
  sendAll: (events: readonly WebsiteEvent[], timeoutMs: number) => Promise<readonly Delivery[]>,
): Sink['send'] {
  let waiting: Waiting[] = [];
  function sendTogether(batch: readonly Waiting[], timeoutMs: number): void {
    const events = batch.map(({ event }) => event);
    sendAll(events, timeoutMs)
      .then((deliveries) => deliveries.forEach((delivery, index) => batch[index]?.resolve(delivery)))
      .catch((error: unknown) => batch.forEach(({ resolve }) => resolve(failureOf(error))));
  }
  function flush(): void {
    const alike = Map.groupBy(waiting, ({ timeoutMs }) => timeoutMs);
    waiting = [];
    for (const [timeoutMs, sends] of alike) {
      for (let start = 0; start < sends.length; start += LARGEST_BATCH)
        sendTogether(sends.slice(start, start + LARGEST_BATCH), timeoutMs);
    }
  }
  return (event, timeoutMs, attempt = 1) =>
    new Promise((resolve) => {
      const one = { event, timeoutMs, resolve };
      if (attempt > 1) {
        sendTogether([one], timeoutMs);
        return;
      }
      if (waiting.length === 0) setImmediate(flush);
      waiting.push(one);
    });
}
