// The forwarder is idle most of the time, so its cost is the memory that it holds. After a burst of work it returns memory to the
// system.

/** A burst ends when no change arrives for this long. */
const QUIET_MS = 10_000;
/** Fewer changes than this are not a burst. */
const BURST_CHANGES = 100;

/** @returns a function to call with every change. `onBurstEnd` is called once after each burst. */
export function burstCounter(onBurstEnd: () => void): () => void {
  let changes = 0;
  const timer = setTimeout(() => {
    if (changes >= BURST_CHANGES) onBurstEnd();
    changes = 0;
  }, QUIET_MS).unref();
  return () => {
    changes++;
    timer.refresh();
  };
}

/**
 * Collects garbage now. After a list or a burst most of the heap is garbage, and V8 would keep it for the next one. It does nothing
 * unless Node runs with `--expose-gc`, as in the container image.
 */
export function giveBackMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
