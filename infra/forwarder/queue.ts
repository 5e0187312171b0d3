import { delayMs, type Backoff } from './backoff.ts';

/** `fast` goes first; `slow` gets every `SLOW_SHARE`th turn all the same, so that it never starves. */
export type Lane = 'fast' | 'slow';

export interface Work<Item> {
  /** One item of a key is worked on at a time, and a newer item takes the place of one that waits. */
  readonly key: string;
  /** Turns go round the groups, so that a busy one does not hold up the others. */
  readonly group: string;
  readonly lane: Lane;
  readonly item: Item;
}

/** What became of an item. `again` is tried without limit; `done` may ask for another look later. */
export type Result<Item> =
  | { readonly kind: 'done'; readonly next?: { readonly afterMs: number; readonly item: Item } }
  | { readonly kind: 'again'; readonly retryAfterSeconds?: number };

export interface QueueOptions<Item> {
  readonly parallel: number;
  readonly handle: (item: Item, attempt: number) => Promise<Result<Item>>;
  /** The newer of two items for one key; it may keep something of the older. */
  readonly merge?: (older: Item, newer: Item) => Item;
  readonly random?: () => number;
  readonly timers?: Timers;
}

/** The time that a queue lives in; tests have their own. */
export interface Timers {
  readonly now: () => number;
  readonly after: (ms: number, work: () => void) => () => void;
}

const REAL_TIME: Timers = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

const BACKOFF: Backoff = { baseMs: 100, capMs: 30_000 };
const SLOW_SHARE = 8;
/** A key that comes back more often than this is put off, not dropped: something writes in circles. */
const BREAKER = { burst: 30, perSecond: 2 };

interface Entry<Item> extends Work<Item> {
  readonly attempt: number;
  /** Set while it waits for its time. */
  readonly cancel?: () => void;
}

/**
 * A work queue with one entry a key: however often a key is added, memory grows with the keys and not with the changes.
 *
 * ## Guarantees
 * What was added last for a key is handled, or superseded by something newer, and never at the same time as another item of
 * the key. A key that fails waits by itself.
 */
export class WorkQueue<Item> {
  readonly #options: Required<QueueOptions<Item>>;
  /** Waits for its turn or its time, or, for a key that is at work, for the end of that. */
  readonly #entries = new Map<string, Entry<Item>>();
  readonly #atWork = new Map<string, Promise<void>>();
  readonly #lanes = { fast: new Map<string, Set<string>>(), slow: new Map<string, Set<string>>() };
  readonly #tokens = new Map<string, { readonly count: number; readonly at: number }>();
  #turns = 0;
  #isStopped = false;

  constructor(options: QueueOptions<Item>) {
    this.#options = { merge: (_, newer) => newer, random: Math.random, timers: REAL_TIME, ...options };
  }

  /** Keys that wait or are at work. */
  get size(): number {
    return this.#entries.size + [...this.#atWork.keys()].filter((key) => !this.#entries.has(key)).length;
  }

  /** Adds an item that is to be handled now; one that waits for the same key goes, and so does the wait. */
  add(work: Work<Item>): void {
    const waiting = this.#entries.get(work.key);
    this.#remove(work.key);
    const item = waiting === undefined ? work.item : this.#options.merge(waiting.item, work.item);
    const lane = waiting?.lane === 'fast' ? 'fast' : work.lane;
    this.#enter({ ...work, lane, item, attempt: 1 }, this.#spendToken(work.key));
  }

  /** Starts nothing more, and waits until what is at work has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { cancel } of this.#entries.values()) cancel?.();
    await Promise.all(this.#atWork.values());
  }

  #enter(entry: Omit<Entry<Item>, 'cancel'>, delay: number): void {
    if (delay <= 0) {
      this.#entries.set(entry.key, entry);
      this.#line(entry);
      this.#start();
      return;
    }
    const cancel = this.#options.timers.after(delay, () => this.#enter(entry, 0));
    this.#entries.set(entry.key, { ...entry, cancel });
  }

  #line({ key, group, lane }: Work<Item>): void {
    // Its turn comes when the one at work has ended.
    if (this.#atWork.has(key)) return;
    const groups = this.#lanes[lane];
    const keys = groups.get(group);
    if (keys === undefined) groups.set(group, new Set([key]));
    else keys.add(key);
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.cancel?.();
    this.#entries.delete(key);
    const groups = this.#lanes[entry.lane];
    const keys = groups.get(entry.group);
    keys?.delete(key);
    if (keys?.size === 0) groups.delete(entry.group);
  }

  #start(): void {
    while (!this.#isStopped && this.#atWork.size < this.#options.parallel) {
      const entry = this.#take();
      if (entry === undefined) return;
      this.#atWork.set(entry.key, this.#work(entry));
    }
  }

  #take(): Entry<Item> | undefined {
    this.#turns++;
    const [first, second]: Lane[] = this.#turns % SLOW_SHARE === 0 ? ['slow', 'fast'] : ['fast', 'slow'];
    const lane = this.#lanes[first ?? 'fast'].size > 0 ? first : second;
    const groups = this.#lanes[lane ?? 'slow'];
    const [turn] = groups;
    if (turn === undefined) return undefined;
    const [group, keys] = turn;
    const [key = ''] = keys;
    const entry = this.#entries.get(key);
    this.#remove(key);
    // To the end of the round.
    if (groups.delete(group) && keys.size > 0) groups.set(group, keys);
    return entry;
  }

  async #work(entry: Entry<Item>): Promise<void> {
    const result = await this.#options.handle(entry.item, entry.attempt).catch((): Result<Item> => ({ kind: 'again' }));
    this.#atWork.delete(entry.key);
    const newer = this.#entries.get(entry.key);
    if (newer !== undefined) {
      if (newer.cancel === undefined) this.#line(newer);
    } else if (result.kind === 'again') {
      const delay = delayMs(BACKOFF, entry.attempt, this.#options.random(), result.retryAfterSeconds);
      this.#enter({ ...entry, attempt: entry.attempt + 1 }, Math.max(delay, 1));
    } else if (result.next !== undefined) {
      this.#enter({ ...entry, item: result.next.item, lane: 'slow', attempt: 1 }, Math.max(result.next.afterMs, 1));
    }
    this.#start();
  }

  /** How long the key has to wait, in milliseconds: nothing, unless it came too often. */
  #spendToken(key: string): number {
    const now = this.#options.timers.now();
    const { burst, perSecond } = BREAKER;
    const before = this.#tokens.get(key) ?? { count: burst, at: now };
    const count = Math.min(burst, before.count + ((now - before.at) / 1000) * perSecond) - 1;
    this.#tokens.set(key, { count: Math.max(count, -1), at: now });
    this.#forgetFull(now);
    return count >= 0 ? 0 : (-count / perSecond) * 1000;
  }

  /** A key whose tokens have come back is as good as one never seen. */
  #forgetFull(now: number): void {
    const fullAfterMs = (BREAKER.burst / BREAKER.perSecond) * 1000;
    for (const [key, { at }] of this.#tokens) {
      // In the order of their last use, the oldest first.
      if (now - at < fullAfterMs) return;
      this.#tokens.delete(key);
    }
  }
}
