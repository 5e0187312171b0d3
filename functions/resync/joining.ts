/**
 * Runs one piece of work at a time. Callers that arrive during a run share the next one, because the current run may have read its
 * data before the latest change.
 */
export class Joining<T> {
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  /** @returns the result of a run that started no earlier than this call. It may be that of another caller's `work`. */
  async run(work: () => Promise<T>): Promise<T> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start(work);
    this.#next = this.#afterRunning(work);
    return this.#next;
  }

  async #afterRunning(work: () => Promise<T>): Promise<T> {
    await this.#running?.catch(() => {});
    this.#next = undefined;
    return this.#start(work);
  }

  async #start(work: () => Promise<T>): Promise<T> {
    this.#running = work();
    try {
      return await this.#running;
    } finally {
      // If callers wait, their run replaces `#running` when it starts.
      if (this.#next === undefined) this.#running = undefined;
    }
  }
}
