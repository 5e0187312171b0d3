import { Bucket, type Rate } from '../bucket.ts';
import type { Log } from './log.ts';

/** Log lines about one problem: a few at once, which name the causes if they are few, and then one every five seconds. */
const LINES: Rate = { burst: 20, perSecond: 0.2 };
/** Longer than between two lines. So while lines keep coming, the next one carries the number of those left out. */
const REST_MS = 10_000;
/** A sink chooses its messages, so their number needs a bound. A caller of the functions must not choose them. */
const MOST_PROBLEMS = 100;

type Level = 'info' | 'warn' | 'error';

/** The lines that were left out since the last one. */
interface Rest {
  leftOut: number;
  readonly level: Level;
  readonly line: string;
  readonly timer: NodeJS.Timeout;
}

interface Problem {
  readonly bucket: Bucket;
  rest?: Rest | undefined;
}

/**
 * Thins out log lines about the same problem. While the sink is away, thousands of deliveries fail for one reason. Anybody who reaches
 * the functions may send requests that they refuse.
 */
export class Thinned {
  /** The log of the process. The invocation of Azure whose lines were left out may have ended when the rest is reported. */
  readonly #log: Log;
  readonly #problems = new Map<string, Problem>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Writes the line, with the number of those that were left out since the last one. A line that is left out is written at level
   * `debug`. If no line follows, one of its own has the number.
   */
  log(to: Log, level: Level, problem: string, fields: object, message: string): void {
    const known = this.#problems.get(problem) ?? this.#begin(problem);
    const now = performance.now();
    if (known.bucket.waitMs(now) > 0) {
      known.rest ??= { leftOut: 0, level, line: message, timer: this.#reportLater(problem, known) };
      known.rest.leftOut++;
      to.debug(fields, message);
      return;
    }
    known.bucket.spend(now);
    const leftOut = takeRest(known)?.leftOut;
    to[level](leftOut === undefined ? fields : { ...fields, leftOut }, message);
  }

  /** Reports what was left out of each problem. Call this before the process ends. */
  reportRest(): void {
    for (const [problem, known] of this.#problems) this.#report(problem, known);
  }

  #begin(problem: string): Problem {
    if (this.#problems.size === MOST_PROBLEMS) {
      this.reportRest();
      this.#problems.clear();
    }
    const fresh = { bucket: new Bucket(LINES) };
    this.#problems.set(problem, fresh);
    return fresh;
  }

  /** After Azure has frozen the process, the timer is overdue and runs with the next invocation. */
  #reportLater(problem: string, known: Problem): NodeJS.Timeout {
    return setTimeout(() => this.#report(problem, known), REST_MS).unref();
  }

  #report(problem: string, known: Problem): void {
    const rest = takeRest(known);
    if (rest === undefined) return;
    const { level, line, leftOut } = rest;
    this.#log[level]({ line, problem, leftOut }, 'Left out lines');
  }
}

function takeRest(known: Problem): Rest | undefined {
  const { rest } = known;
  clearTimeout(rest?.timer);
  known.rest = undefined;
  return rest;
}
