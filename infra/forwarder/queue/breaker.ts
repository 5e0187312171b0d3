/** How often a key may come: this many times at once, and this often in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * Puts off a key that comes in circles, by a token bucket each. A token goes when the key is worked on, not when it is
 * added: so the end of the wait stands fast, and what is added meanwhile cannot push it away.
 */
export class Breaker {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, { readonly tokens: number; readonly at: number }>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Keys that are remembered: those that came not long ago. */
  get size(): number {
    return this.#buckets.size;
  }

  /** How long the key has to wait, in milliseconds: nothing, unless it came too often. */
  waitMs(key: string, now: number): number {
    return Math.max(0, Math.ceil(((1 - this.#tokens(key, now)) / this.#rate.perSecond) * 1000));
  }

  /** Counts that the key is worked on. */
  spend(key: string, now: number): void {
    const tokens = this.#tokens(key, now) - 1;
    // To the end, because the buckets are in the order of their last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, at: now });
    this.#forgetFull(now);
  }

  #tokens(key: string, now: number): number {
    const { burst, perSecond } = this.#rate;
    const bucket = this.#buckets.get(key);
    return bucket === undefined ? burst : Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
  }

  /** A key whose tokens have come back is as good as one never seen. */
  #forgetFull(now: number): void {
    const fullAfterMs = (this.#rate.burst / this.#rate.perSecond) * 1000;
    for (const [key, { at }] of this.#buckets) {
      if (now - at < fullAfterMs) return;
      this.#buckets.delete(key);
    }
  }
}
