/** The first wait between two attempts, and the longest. */
const SOON_MS = 25;
const SELDOM_MS = 200;

/**
 * Runs the assertions again and again until they hold, and throws the last failure at the deadline. The waits between grow, because
 * an attempt often asks an API server that has little CPU time. The default deadline is no longer than the time after which the programs
 * look again without an event, at a stalled Website or for a missing API. A longer one would hide a lost event.
 * @param everyMs makes all waits the same.
 */
export async function eventually<T>(
  assertions: () => T | Promise<T>,
  { deadlineMs = 30_000, everyMs }: { readonly deadlineMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (let waitMs = everyMs ?? SOON_MS; ; waitMs = everyMs ?? Math.min(1.5 * waitMs, SELDOM_MS)) {
    try {
      return await assertions();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
