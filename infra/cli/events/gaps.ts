// The gaps between recorded events.
import { setTimeout as delay } from 'node:timers/promises';

/** The time between two events, made shorter by the speed. */
export const gapMs = (before: number | undefined, at: number, speed: number | undefined): number =>
  before === undefined || speed === undefined || Number.isNaN(at) ? 0 : Math.max(0, (at - before) / speed);

const HOUR_MS = 3_600_000;
/** A shorter gap needs no explanation. */
const LONG_MS = 60_000;

interface Waiting {
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/** Waits until the time has passed or the signal aborts. Node fires a timer of more than 24.8 days immediately, so it waits in parts. */
export async function waited(ms: number, { signal, note }: Waiting): Promise<void> {
  const end = Date.now() + ms;
  if (ms >= LONG_MS) note(`Waiting ${(ms / HOUR_MS).toFixed(1)} h before the next event`);
  for (let left = ms; left > 0 && !signal.aborted; left = end - Date.now()) {
    await delay(Math.min(left, 24 * HOUR_MS), undefined, { signal }).catch(() => {});
  }
}
