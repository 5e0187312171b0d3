/** A signal asked us to stop, or the reader of our output is gone. Neither is an error. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/** Rejects with a StoppedError when this process is to stop. At a second signal it ends at once, and its guardian cleans up. */
export function untilStopped(): Promise<never> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = (why: string) => reject(new StoppedError(why));
    let signals = 0;
    const onSignal = (signal: string) => (++signals === 1 ? stop(signal) : process.exit(1));
    // The listeners stay, because the library that hides the cursor ends this process if it is the only listener.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    // These stay too: after the reader has ended, as `head` does, each further write fails.
    for (const output of [process.stdout, process.stderr]) output.on('error', ({ message }) => stop(message));
  });
  stopped.catch(() => {});
  return stopped;
}
