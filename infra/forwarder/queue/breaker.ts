import { Bucket, type Rate } from '../../../functions/bucket.ts';

/**
 * Delays a hot key, with one token bucket per key. Handling a key spends a token; adding it does not. So items that are added
 * during the delay do not prolong it.
 */
export class Breaker {
  readonly #rate: Rate;
  /** Of the keys that were handled since `#since`. */
  #recent = new Map<string, Bucket>();
  /** Of the other keys that were handled in the previous period. Every other key has a full bucket. */
  #older = new Map<string, Bucket>();
  #since = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Number of keys with a bucket: those that were handled recently. */
  get size(): number {
    return this.#recent.size + this.#older.size;
  }

  /** How long the key must wait, in milliseconds. 0 unless it is hot. */
  waitMs(key: string, now: number): number {
    return this.#bucketOf(key)?.waitMs(now) ?? 0;
  }

  /** Spends a token, because the key is handled now. */
  spend(key: string, now: number): void {
    this.#forgetFull(now);
    const bucket = this.#bucketOf(key) ?? new Bucket(this.#rate);
    this.#older.delete(key);
    this.#recent.set(key, bucket);
    bucket.spend(now);
  }

  #bucketOf(key: string): Bucket | undefined {
    return this.#recent.get(key) ?? this.#older.get(key);
  }

  /**
   * Removes full buckets, all at once. A key without a bucket starts with a full one anyway. One map would have to be emptied from the
   * front, where finding the first entry takes longer the more keys there are (`line.ts` says why).
   */
  #forgetFull(now: number): void {
    const fullAfterMs = (this.#rate.burst / this.#rate.perSecond) * 1000;
    if (now - this.#since < fullAfterMs) return;
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#since = now;
  }
}
