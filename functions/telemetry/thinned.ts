import { Bucket, type Rate } from '../bucket.ts';
import type { Log } from './log.ts';

/** Log lines about one problem: a few at once, which name the causes if they are few, and then one every five seconds. */
const LINES: Rate = { burst: 20, perSecond: 0.2 };
/** A sink chooses its messages, so their number needs a bound. A caller of the functions must not choose them. */
const MOST_PROBLEMS = 100;

/**
 * Thins out log lines about the same problem. While the sink is away, thousands of deliveries fail for one reason. Anybody who reaches
 * the functions may send requests that they refuse.
 */
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

  /** Writes the line, with the number of those that were left out. A line that is left out is written at level `debug`. */
  log(to: Log, level: 'info' | 'warn' | 'error', problem: string, fields: object, message: string): void {
    const leftOut = this.admit(problem);
    if (leftOut === undefined) to.debug(fields, message);
    else to[level](leftOut === 0 ? fields : { ...fields, leftOut }, message);
  }

  #begin(problem: string) {
    if (this.#problems.size === MOST_PROBLEMS) this.#problems.clear();
    const fresh = { bucket: new Bucket(LINES), leftOut: 0 };
    this.#problems.set(problem, fresh);
    return fresh;
  }
}
