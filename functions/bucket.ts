/** How often something may happen. */
export interface Rate {
  /** In quick succession. */
  readonly burst: number;
  /** On average over a long time. */
  readonly perSecond: number;
}

/** A token bucket, which starts full. */
export class Bucket {
  readonly #rate: Rate;
  #tokens: number;
  #at = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  /** How long until there are so many tokens, in milliseconds. */
  waitMs(now: number, tokens = 1): number {
    return Math.max(0, Math.ceil(((tokens - this.#tokensAt(now)) / this.#rate.perSecond) * 1000));
  }

  spend(now: number, tokens = 1): void {
    this.#tokens = this.#tokensAt(now) - tokens;
    this.#at = now;
  }

  #tokensAt(now: number): number {
    const { burst, perSecond } = this.#rate;
    return Math.min(burst, this.#tokens + ((now - this.#at) / 1000) * perSecond);
  }
}
