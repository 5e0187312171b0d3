// Both programs rest most of the time, so their cost is the memory that they hold. After a burst of work they return memory to the
// system.

/** A burst ends when no change arrives for this long. */
const QUIET_MS = 10_000;
/** Less work than this is not a burst, in changes. */
const BURST = 100;

/** Counts changes, and pieces of work that take as much memory as a burst. */
export interface BurstCounter {
  readonly changed: () => void;
  /** After work that is a burst of its own, such as a resync. */
  readonly burst: () => void;
}

/** @param onBurstEnd is called once after each burst. */
export function burstCounter(onBurstEnd: () => void): BurstCounter {
  let changes = 0;
  const timer = setTimeout(() => {
    if (changes >= BURST) onBurstEnd();
    changes = 0;
  }, QUIET_MS).unref();
  const add = (count: number) => {
    changes += count;
    timer.refresh();
  };
  return { changed: () => add(1), burst: () => add(BURST) };
}

/**
 * Collects garbage now. After a list or a burst, most of the heap is garbage, which V8 would keep. It does nothing unless Node runs
 * with `--expose-gc`, as in the container images.
 */
export function giveBackMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
