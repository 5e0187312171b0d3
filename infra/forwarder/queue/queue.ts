import { delayMs, type Backoff } from './backoff.ts';
import { Breaker } from './breaker.ts';
import type { Rate } from '../../../functions/bucket.ts';
import { isChange, isLook, laneOfLook, Lanes, LOOKS, type Lane } from './lanes.ts';
import type { Place } from './line.ts';
import { Room } from './room.ts';

/** At most one item per key is handled at a time. A newer item replaces one that is waiting. */
export interface Work<Item> extends Place {
  readonly lane: Lane;
  readonly item: Item;
  /** Delays the item so that others go first. If the key is already waiting, the new item goes at once and this is ignored. */
  readonly afterMs?: number;
}

/** A look that the sink asks for: another item for a key that was handled. */
export interface Look<Item> {
  readonly afterMs: number;
  readonly item: Item;
}

/** The result of handling an item. `again` retries without limit. */
export type Result<Item> =
  | { readonly kind: 'done'; readonly next?: Look<Item> }
  | { readonly kind: 'again'; readonly retryAfterSeconds?: number };

export interface QueueOptions<Item> {
  readonly parallel: number;
  /** @param waitedMs how long the item waited for its turn. A backoff, a look and the breaker do not count. */
  readonly handle: (item: Item, attempt: number, waitedMs: number) => Promise<Result<Item>>;
  /** Combines two items for one key. By default the newer one replaces the older. */
  readonly merge?: (older: Item, newer: Item) => Item;
  /** Called when the breaker delays a key. */
  readonly deferred?: () => void;
  /** The limit of looks. */
  readonly looks?: Rate;
  readonly random?: () => number;
  readonly timers?: Timers;
}

/** The clock and timers of a queue. Tests pass their own. */
export interface Timers {
  readonly now: () => number;
  readonly after: (ms: number, work: () => void) => () => void;
}

/** Node fires a timer with a longer delay immediately. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const REAL_TIME: Timers = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

const BACKOFF: Backoff = { baseMs: 100, capMs: 30_000 };
/** A key that exceeds this rate is delayed, never dropped. The usual cause is two writers that undo each other's changes. */
const HOT = { burst: 30, perSecond: 2 };

/** How much work is waiting or in progress. */
export interface Pending {
  /** Number of keys that are waiting for their turn. */
  readonly queued: number;
  /** Number of keys that are waiting for a timer: a backoff, a look that is not due or the breaker. */
  readonly delayed: number;
  /** Number of looks that are due and wait for the limit of looks. */
  readonly looks: number;
  readonly atWork: number;
  /** Age of the oldest unhandled change, in milliseconds. 0 if every change is handled. A look that has not started is no change. */
  readonly oldestAgeMs: number;
}

interface Task<Item> extends Work<Item> {
  readonly attempt: number;
  /** When the oldest unhandled change of the key was added, or its look started. Infinity for a look that has not started. */
  readonly since: number;
  /** End of the wait that the sink asked for. A newer item does not shorten it. */
  readonly notBefore: number;
  /** When the key began to wait for its turn. Undefined for a look, and while it waits for a timer. */
  readonly readyAt?: number | undefined;
}

interface Entry<Item> extends Task<Item> {
  /** Cancels the timer that the entry is waiting for. Absent while it is waiting for its turn. */
  readonly cancel?: () => void;
}

/**
 * A work queue with one entry per key, so that memory grows with the number of keys and not with the number of changes.
 *
 * ## Guarantees
 * - The last item added for a key is handled, or a newer item replaces it.
 * - Two items of one key are never handled at the same time.
 * - A key that fails or hangs delays no other key, and neither does a group of them: a part of the places stays free (`Room`).
 * - Changes go before looks, and looks start at a limited rate, retries included.
 */
export class WorkQueue<Item> {
  readonly #options: Required<QueueOptions<Item>>;
  /** The waiting entries: for their turn, for a timer, or until an earlier item of the same key has been handled. */
  readonly #entries = new Map<string, Entry<Item>>();
  readonly #atWork = new Map<string, { readonly since: number; readonly end: Promise<void> }>();
  readonly #lanes: Lanes;
  readonly #room: Room;
  readonly #breaker = new Breaker(HOT);
  /** Cancels the timer for the next look. */
  #cancelLook: (() => void) | undefined;
  #isStopped = false;

  constructor(options: QueueOptions<Item>) {
    const defaults = { merge: (_: Item, newer: Item) => newer, deferred: () => {} };
    this.#options = { ...defaults, looks: LOOKS, random: Math.random, timers: REAL_TIME, ...options };
    this.#lanes = new Lanes(this.#options.looks);
    this.#room = new Room(options.parallel);
  }

  /** Number of keys that are waiting or being handled. */
  get size(): number {
    return this.#entries.size + [...this.#atWork.keys()].filter((key) => !this.#entries.has(key)).length;
  }

  pending(): Pending {
    const now = this.#options.timers.now();
    const pending = { queued: 0, delayed: 0, looks: 0, atWork: this.#atWork.size };
    let oldest = now;
    for (const { cancel, lane, since } of this.#entries.values()) {
      if (cancel !== undefined) pending.delayed++;
      else if (isLook(lane)) pending.looks++;
      else pending.queued++;
      oldest = Math.min(oldest, since);
    }
    for (const { since } of this.#atWork.values()) oldest = Math.min(oldest, since);
    return { ...pending, oldestAgeMs: now - oldest };
  }

  /**
   * Adds an item to be handled now. It replaces a waiting item of the same key and cancels its backoff, but not a wait that the
   * sink asked for. The failure count stays: a new change does not mean that the sink has recovered.
   *
   * A look is ignored if anything of its key waits or is being handled. Whatever that is, it looks too, and the sink then says when to
   * look next. Otherwise, each list of the forwarder would start the looks of all Websites that are not ready.
   */
  add(work: Work<Item>): void {
    const waiting = this.#entries.get(work.key);
    const since = isLook(work.lane) ? Infinity : this.#options.timers.now();
    if (isLook(work.lane) && (waiting !== undefined || this.#atWork.has(work.key))) return;
    this.#remove(work.key);
    const fresh = { ...work, attempt: 1, since, notBefore: 0 };
    if (waiting === undefined) this.#enter(fresh, work.afterMs ?? 0);
    else this.#enter(this.#merged(waiting, fresh, waiting.attempt), 0);
  }

  /** Starts no further item, and waits for those in progress. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelLook?.();
    for (const { cancel } of this.#entries.values()) cancel?.();
    await Promise.all([...this.#atWork.values()].map(({ end }) => end));
  }

  #merged(older: Task<Item>, newer: Task<Item>, attempt: number): Task<Item> {
    return {
      key: newer.key,
      group: newer.group,
      lane: older.lane === 'fast' ? 'fast' : newer.lane,
      item: this.#options.merge(older.item, newer.item),
      attempt,
      since: Math.min(older.since, newer.since),
      notBefore: Math.max(older.notBefore, newer.notBefore),
      readyAt: older.readyAt,
    };
  }

  #enter(task: Task<Item>, delay: number): void {
    // A timer would keep the process alive.
    if (this.#isStopped) return;
    const { timers, deferred } = this.#options;
    const now = timers.now();
    const asked = Math.max(delay, task.notBefore - now);
    const wait = Math.max(asked, this.#breaker.waitMs(task.key, now));
    if (wait > 0) {
      if (wait > asked) deferred();
      const cancel = timers.after(wait, () => this.#enter(task, 0));
      this.#entries.set(task.key, { ...task, readyAt: undefined, cancel });
      return;
    }
    this.#entries.set(task.key, { ...task, readyAt: isLook(task.lane) ? undefined : (task.readyAt ?? now) });
    this.#lineUp(task);
    this.#start();
  }

  #lineUp(task: Task<Item>): void {
    // #done and #again line it up once the item in progress has ended.
    if (!this.#atWork.has(task.key)) this.#lanes.add(task, this.#options.timers.now());
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.cancel?.();
    this.#entries.delete(key);
    this.#lanes.delete(entry);
  }

  #start(): void {
    const now = this.#options.timers.now();
    while (!this.#isStopped && this.#atWork.size < this.#options.parallel) {
      const key = this.#lanes.take(now, this.#room);
      const entry = key === undefined ? undefined : this.#entries.get(key);
      if (entry === undefined) {
        this.#startNextLook(now);
        return;
      }
      this.#entries.delete(entry.key);
      const started = { ...entry, since: Math.min(entry.since, now) };
      this.#breaker.spend(entry.key, now);
      this.#atWork.set(entry.key, { since: started.since, end: this.#work(started) });
    }
  }

  /** Starts the next look as soon as the limit lets it. */
  #startNextLook(now: number): void {
    const afterMs = this.#lanes.nextLookMs(now);
    // If it may start now, it only lacks a place, and the end of a delivery starts it.
    if (afterMs === undefined || afterMs === 0 || this.#cancelLook !== undefined) return;
    this.#cancelLook = this.#options.timers.after(afterMs, () => {
      this.#cancelLook = undefined;
      this.#start();
    });
  }

  async #work(entry: Task<Item>): Promise<void> {
    const now = this.#options.timers.now();
    const holder = { group: entry.group, isNewChange: isChange(entry.lane) && entry.attempt === 1 };
    this.#room.take(holder);
    const handled = this.#options.handle(entry.item, entry.attempt, now - (entry.readyAt ?? now));
    const result = await handled.catch((): Result<Item> => ({ kind: 'again' }));
    this.#atWork.delete(entry.key);
    this.#room.give(holder);
    if (result.kind === 'again') this.#again(entry, result.retryAfterSeconds);
    else this.#done(entry, result.next);
    this.#start();
  }

  /** Retries after a backoff. An item that arrived in the meantime replaces the failed one and waits just as long. */
  #again(entry: Task<Item>, retryAfterSeconds: number | undefined): void {
    const delay = delayMs(BACKOFF, entry.attempt, this.#options.random(), retryAfterSeconds);
    const notBefore = retryAfterSeconds === undefined ? 0 : this.#options.timers.now() + delay;
    // Behind all the looks that are due, a retry could come much later than its backoff.
    const lane = entry.lane === 'later' ? 'soon' : entry.lane;
    const failed = { ...entry, lane, attempt: entry.attempt + 1, notBefore, readyAt: undefined };
    const newer = this.#entries.get(entry.key);
    this.#remove(entry.key);
    this.#enter(newer === undefined ? failed : this.#merged(failed, newer, failed.attempt), Math.max(delay, 1));
  }

  #done({ key, group }: Task<Item>, next: Look<Item> | undefined): void {
    const newer = this.#entries.get(key);
    if (newer !== undefined) {
      if (newer.cancel === undefined) this.#lineUp(newer);
    } else if (next !== undefined) {
      const { item } = next;
      const afterMs = Math.max(next.afterMs, 1);
      this.#enter({ key, group, lane: laneOfLook(afterMs), item, attempt: 1, since: Infinity, notBefore: 0 }, afterMs);
    }
  }
}
