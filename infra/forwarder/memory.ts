// Memory is the price of a forwarder that waits: what work leaves behind is given back once it is quiet.

/** How long no change has come, in milliseconds, when a burst is over; and what counts as one, in changes. */
const QUIET_MS = 10_000;
const BURST = 100;

/** @returns what is called with every change; `over` is called once after each burst of them. */
export function burstCounter(over: () => void): () => void {
  let changes = 0;
  const timer = setTimeout(() => {
    if (changes >= BURST) over();
    changes = 0;
  }, QUIET_MS).unref();
  return () => {
    changes++;
    timer.refresh();
  };
}

/**
 * Most of the heap is garbage when a list has ended, or a burst of changes, and V8 keeps it for more of that, which does not
 * come. Does nothing unless the process may collect by itself (`--expose-gc`), as in the container image.
 */
export function giveBackMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
