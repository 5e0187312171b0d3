import type { WebsiteEvent } from '../event.ts';
import { failureOf, type Delivery, type Sink } from './sink.ts';

/** A batch takes as long as its slowest event, and larger ones save nothing more (docs/adr/0009-where-the-time-goes.md). */
const LARGEST_BATCH = 4;

interface Waiting {
  readonly event: WebsiteEvent;
  readonly timeoutMs: number;
  readonly resolve: (delivery: Delivery) => void;
}

/** Events of the same group take about as long, and may wait for each other. */
function groupOf({ event: { data }, timeoutMs }: Waiting): string {
  const reason = data?.reason;
  // The functions ask the API server nothing about a Website that is gone.
  if (reason === 'deleted') return reason;
  // The API server creates Services one at a time, so the first event of a Website may take many times as long as others.
  const isSlow = reason === 'first-seen';
  // An admission webhook may hang for one namespace.
  return [timeoutMs, isSlow, data?.namespace].join(' ');
}

/**
 * Batches the events that are sent in the same turn of the event loop, so that no event waits for a later one.
 *
 * All events of a batch wait for the slowest. So only events of one group share a batch (`groupOf`), and a retry travels alone.
 * @param sendAll sends events once and returns one result for each, in the same order. It never throws.
 */
export function batching(
  sendAll: (events: readonly WebsiteEvent[], timeoutMs: number) => Promise<readonly Delivery[]>,
): Sink['send'] {
  let waiting: Waiting[] = [];
  /** @param batch events with the same timeout. */
  function sendTogether(batch: readonly Waiting[]): void {
    const timeoutMs = Math.max(...batch.map((each) => each.timeoutMs));
    const events = batch.map(({ event }) => event);
    sendAll(events, timeoutMs)
      .then((deliveries) => deliveries.forEach((delivery, index) => batch[index]?.resolve(delivery)))
      .catch((error: unknown) => batch.forEach(({ resolve }) => resolve(failureOf(error))));
  }
  function flush(): void {
    const groups = Map.groupBy(waiting, groupOf);
    waiting = [];
    for (const sends of groups.values()) {
      for (let start = 0; start < sends.length; start += LARGEST_BATCH)
        sendTogether(sends.slice(start, start + LARGEST_BATCH));
    }
  }
  return (event, timeoutMs, attempt = 1) =>
    new Promise((resolve) => {
      const one = { event, timeoutMs, resolve };
      if (attempt > 1) {
        sendTogether([one]);
        return;
      }
      if (waiting.length === 0) setImmediate(flush);
      waiting.push(one);
    });
}
