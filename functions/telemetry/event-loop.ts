/** How often the delay is sampled while there is work, in milliseconds. */
const SAMPLE_MS = 20;

/**
 * Samples how late the event loop runs a timer, while there is work. Node's own `monitorEventLoopDelay` also samples at rest, which
 * wakes an idle process. Its values include the time between two samples, and cannot be added up to a histogram.
 */
export class EventLoopDelay {
  readonly #record: (seconds: number) => void;
  #running = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(record: (seconds: number) => void) {
    this.#record = record;
  }

  /** Begins a piece of work. @returns a function that ends it. Call it once. */
  begin(): () => void {
    this.#running++;
    if (this.#timer === undefined) this.#timer = this.#sampleSoon();
    return () => {
      this.#running--;
    };
  }

  #sampleSoon(): NodeJS.Timeout {
    const due = performance.now() + SAMPLE_MS;
    return setTimeout(() => {
      // A timer counts in whole milliseconds, so it may fire a little early.
      this.#record(Math.max(0, performance.now() - due) / 1000);
      this.#timer = this.#running > 0 ? this.#sampleSoon() : undefined;
    }, SAMPLE_MS).unref();
  }
}
