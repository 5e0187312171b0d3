/** Runs the assertions again and again until they hold, and throws the last failure at the deadline. */
export async function eventually<T>(
  assertions: () => T | Promise<T>,
  { deadlineMs = 30_000, everyMs = 25 } = {},
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await assertions();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}
