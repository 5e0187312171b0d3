/** How often one key may be handled. */
export interface Rate {
  /** In quick succession. */
  readonly burst: number;
  /** On average over a long time. */
  readonly perSecond: number;
}

/**
 * Delays a hot key, with one token bucket per key. Handling a key spends a token; adding it does not. So items that are added
 * during the delay do not prolong it.
 */
export class Breaker {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, { readonly tokens: number; readonly at: number }>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Number of keys with a bucket: those that were handled recently. */
  get size(): number {
    return this.#buckets.size;
  }

  /** How long the key must wait, in milliseconds. 0 unless it is hot. */
  waitMs(key: string, now: number): number {
    return Math.max(0, Math.ceil(((1 - this.#tokens(key, now)) / this.#rate.perSecond) * 1000));
  }

  /** Spends a token, because the key is handled now. */
  spend(key: string, now: number): void {
    const tokens = this.#tokens(key, now) - 1;
    // Moves the bucket to the end of the map: #forgetFull relies on the order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, at: now });
    this.#forgetFull(now);
  }

  #tokens(key: string, now: number): number {
    const { burst, perSecond } = this.#rate;
    const bucket = this.#buckets.get(key);
    return bucket === undefined ? burst : Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
  }

  /** Removes full buckets. A key without a bucket starts with a full one anyway. */
  #forgetFull(now: number): void {
    const fullAfterMs = (this.#rate.burst / this.#rate.perSecond) * 1000;
    for (const [key, { at }] of this.#buckets) {
      if (now - at < fullAfterMs) return;
      this.#buckets.delete(key);
    }
  }
}
