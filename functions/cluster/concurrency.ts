import { SLOW_MS } from './patience.ts';

/** As many calls as an API server at ease is sent at once. */
export const MOST_AT_ONCE = 32;

/** A call that may be sent now. */
export interface Turn {
  /** @param how `late` where the API server ran out of time or asked for fewer. */
  end(how: 'answered' | 'late'): void;
}

interface Waiter {
  readonly startBy: number;
  readonly start: () => void;
}

/** The turn did not come in time. */
export class NoTurnError extends Error {
  override readonly name = 'NoTurnError';
}

/**
 * How many calls are sent at once: fewer after one that was late, and one more after as many good ones as there may be, as TCP
 * does it. An API server that is short of time works on all that it has at the same time, so each of many takes longer than it
 * may, and all of it was for nothing. What waits here costs it nothing. The oldest work goes first, so that it is finished.
 */
export class Concurrency {
  readonly #now: () => number;
  readonly #waiting: Waiter[] = [];
  #limit = MOST_AT_ONCE;
  #running = 0;
  #begun = 0;
  /** Calls that had begun when the limit was last lowered: they were sent under the limit before. */
  #begunBefore = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Calls that may be under way now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /**
   * Waits for a turn.
   * @param startBy on the monotonic clock.
   * @throws NoTurnError when the turn has not come by then, or what the signal says.
   */
  async turn(startBy: number, signal?: AbortSignal): Promise<Turn> {
    if (startBy <= this.#now()) throw new NoTurnError('There is no time left');
    if (this.#running < this.limit) this.#running++;
    else await this.#wait(startBy, signal);
    return this.#begin();
  }

  #begin(): Turn {
    const number = ++this.#begun;
    const at = this.#now();
    return {
      end: (how) => {
        this.#running--;
        if (how === 'late' || this.#now() - at > SLOW_MS) this.#lower(number);
        else this.#limit = Math.min(MOST_AT_ONCE, this.#limit + 1 / this.#limit);
        this.#next();
      },
    };
  }

  #lower(number: number): void {
    if (number <= this.#begunBefore) return;
    this.#begunBefore = this.#begun;
    this.#limit = Math.max(1, this.#limit / 2);
  }

  /** A turn counts from here on, so that nobody else takes it before its waiter goes on. */
  #next(): void {
    while (this.#running < this.limit) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) return;
      this.#running++;
      waiter.start();
    }
  }

  #wait(startBy: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const giveUp = (why: Error) => {
        leave();
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(why);
      };
      const abort = () => giveUp(signal?.reason as Error);
      const start = () => {
        leave();
        resolve();
      };
      const waiter = { startBy, start };
      const timer = setTimeout(() => giveUp(new NoTurnError('Its turn did not come')), startBy - this.#now()).unref();
      signal?.addEventListener('abort', abort, { once: true });
      const place = this.#waiting.findIndex((each) => each.startBy > startBy);
      this.#waiting.splice(place === -1 ? this.#waiting.length : place, 0, waiter);
    });
  }
}
