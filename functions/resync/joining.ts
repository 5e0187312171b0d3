/**
 * Work of which one runs at a time. Who asks while it runs shares the one that starts next: what runs may have read by then what
 * has changed since.
 */
export class Joining<T> {
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  /** @returns the result of work that began no earlier than this call. It may be that of another who asked. */
  async run(work: () => Promise<T>): Promise<T> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start(work);
    this.#next = this.#afterThis(work);
    return this.#next;
  }

  async #afterThis(work: () => Promise<T>): Promise<T> {
    await this.#running?.catch(() => {});
    this.#next = undefined;
    return this.#start(work);
  }

  async #start(work: () => Promise<T>): Promise<T> {
    this.#running = work();
    try {
      return await this.#running;
    } finally {
      // Where others wait, the next of them begins before this one is told, and is the one that runs then.
      if (this.#next === undefined) this.#running = undefined;
    }
  }
}
