import { SLOW_MS } from './patience.ts';
import { Shares } from './shares.ts';

/** Concurrent calls to an API server that is not overloaded. */
export const MOST_AT_ONCE = 32;

/**
 * How a call ended, and what that says about the load of the API server.
 * - `late`: it timed out, or the API server asked for fewer calls. The API server is overloaded.
 * - `read`: a slow read counts as late, and a fast one as good.
 * - `written`: a slow write does not count as late, because the API server may have waited for an admission webhook.
 * - `failed`: says nothing about the load.
 */
export type Load = 'read' | 'written' | 'late' | 'failed';

/** Permission to send one call now. */
export interface Turn {
  end(how: Load): void;
}

/** A call that asks for a turn. */
export interface Asking {
  /** The deadline, on the monotonic clock. */
  readonly startBy: number;
  /** The namespace of a write. Only writes wait for admission webhooks, so reads have no group. */
  readonly group?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Waiter extends Asking {
  readonly start: () => void;
}

/** The call could not be sent in time, because too many others were running. */
export class NoTurnError extends Error {
  override readonly name = 'NoTurnError';
}

/**
 * Limits concurrent calls like TCP's congestion control: a late call halves the limit, and a full round of good calls raises it by
 * one. An overloaded API server works on all calls at the same time, so many concurrent calls all time out. A call that waits here
 * costs the API server nothing. The call with the earliest deadline goes first, so that old work is finished.
 *
 * Writes to one namespace have a share of the limit (`Shares`): they may all hang in one admission webhook.
 */
export class Concurrency {
  readonly #now: () => number;
  readonly #waiting: Waiter[] = [];
  readonly #writes = new Shares();
  #limit = MOST_AT_ONCE;
  #running = 0;
  #started = 0;
  /** Calls that had started when the limit was last lowered. They ran under the previous limit, so they do not lower it again. */
  #startedBefore = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many calls may run now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /**
   * Waits for permission to send a call.
   * @throws NoTurnError at the deadline, or the signal's reason.
   */
  async turn(asking: Asking): Promise<Turn> {
    if (asking.startBy <= this.#now()) throw new NoTurnError('The deadline has passed');
    if (this.#mayStart(asking)) this.#take(asking);
    else await this.#wait(asking);
    return this.#start(asking);
  }

  #mayStart({ group }: Asking): boolean {
    const { limit } = this;
    return this.#running < limit && (group === undefined || !this.#writes.isFullOf(group, limit));
  }

  #take({ group }: Asking): void {
    this.#running++;
    if (group !== undefined) this.#writes.take(group);
  }

  #start({ group }: Asking): Turn {
    const number = ++this.#started;
    const at = this.#now();
    return {
      end: (how) => {
        this.#running--;
        if (group !== undefined) this.#writes.give(group);
        const isSlow = this.#now() - at > SLOW_MS;
        if (how === 'late' || (how === 'read' && isSlow)) this.#lower(number);
        else if (how !== 'failed' && !isSlow) this.#limit = Math.min(MOST_AT_ONCE, this.#limit + 1 / this.#limit);
        this.#next();
      },
    };
  }

  #lower(number: number): void {
    if (number <= this.#startedBefore) return;
    this.#startedBefore = this.#started;
    this.#limit = Math.max(1, this.#limit / 2);
  }

  /** Counts a turn as running before its waiter resumes, so that no other call takes it meanwhile. */
  #next(): void {
    for (;;) {
      const place = this.#waiting.findIndex((waiter) => this.#mayStart(waiter));
      const [waiter] = place === -1 ? [] : this.#waiting.splice(place, 1);
      if (waiter === undefined) return;
      this.#take(waiter);
      waiter.start();
    }
  }

  #wait(asking: Asking): Promise<void> {
    const { startBy, signal } = asking;
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
      const waiter = { ...asking, start };
      const timer = setTimeout(
        () => giveUp(new NoTurnError('Waited until the deadline')),
        startBy - this.#now(),
      ).unref();
      signal?.addEventListener('abort', abort, { once: true });
      const place = this.#waiting.findIndex((each) => each.startBy > startBy);
      this.#waiting.splice(place === -1 ? this.#waiting.length : place, 0, waiter);
    });
  }
}
