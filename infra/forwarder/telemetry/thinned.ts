import { Bucket, type Rate } from '../../bucket.ts';

/** Log lines about one problem: a few at once, which name the Websites if they are few, and then one every five seconds. */
const LINES: Rate = { burst: 20, perSecond: 0.2 };
/** A sink chooses its messages, so their number needs a bound. */
const MOST_PROBLEMS = 100;

/** Thins out log lines about the same problem. While the sink is away, thousands of deliveries fail for one reason. */
export class Thinned {
  readonly #problems = new Map<string, { readonly bucket: Bucket; leftOut: number }>();

  /** @returns how many lines about the problem were left out since the last one, or undefined if this line is left out too. */
  admit(problem: string, now: number = performance.now()): number | undefined {
    const known = this.#problems.get(problem) ?? this.#begin(problem);
    if (known.bucket.waitMs(now) > 0) {
      known.leftOut++;
      return undefined;
    }
    known.bucket.spend(now);
    const { leftOut } = known;
    known.leftOut = 0;
    return leftOut;
  }

  #begin(problem: string) {
    if (this.#problems.size === MOST_PROBLEMS) this.#problems.clear();
    const fresh = { bucket: new Bucket(LINES), leftOut: 0 };
    this.#problems.set(problem, fresh);
    return fresh;
  }
}
