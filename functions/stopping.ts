// How a program stops: what asks it to stop, and what it waits for.

/**
 * Calls `stop` at the first SIGTERM or SIGINT. Later signals change nothing: at one Ctrl-C, the terminal and npm send one each. Call this
 * before anything that takes time, because the first process of a container ignores a signal that has no handler.
 */
export function onceAskedToStop(stop: () => void): void {
  let isAsked = false;
  const ask = () => {
    if (!isAsked) stop();
    isAsked = true;
  };
  process.on('SIGTERM', ask).on('SIGINT', ask);
}

/** Waits for work, but no longer than this. @returns whether the work has ended. */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)));
  return Promise.race([work.then(() => true), late]).finally(() => clearTimeout(timer));
}

/** The work that is running, so that a host can wait for its end. */
export class Running {
  readonly #work = new Set<Promise<unknown>>();

  get size(): number {
    return this.#work.size;
  }

  /** @throws what the work throws. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#work.add(running);
    try {
      return await running;
    } finally {
      this.#work.delete(running);
    }
  }

  /** Resolves once nothing is running. */
  async ended(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }
}
