import { delayMs, type Backoff } from './backoff.ts';
import { Breaker } from './breaker.ts';

/** `fast` goes first; `slow` gets every `SLOW_SHARE`th turn all the same, so that it never starves. */
export type Lane = 'fast' | 'slow';

export interface Work<Item> {
  /** One item of a key is worked on at a time, and a newer item takes the place of one that waits. */
  readonly key: string;
  /** Turns go round the groups, so that a busy one does not hold up the others. */
  readonly group: string;
  readonly lane: Lane;
  readonly item: Item;
  /** How long it may wait for others to go first; nothing when absent. It goes at once where its key waits already. */
  readonly afterMs?: number;
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
  /** Told when the breaker puts a key off. */
  readonly deferred?: () => void;
  readonly random?: () => number;
  readonly timers?: Timers;
}

/** The time that a queue lives in; tests have their own. */
export interface Timers {
  readonly now: () => number;
  readonly after: (ms: number, work: () => void) => () => void;
}

/** Node fires a timer that is set for longer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const REAL_TIME: Timers = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

const BACKOFF: Backoff = { baseMs: 100, capMs: 30_000 };
const SLOW_SHARE = 8;
/** A key that comes back more often than this is put off, not dropped: something writes in circles. */
const HOT = { burst: 30, perSecond: 2 };

/** How much there is to do. */
export interface Pending {
  /** Keys that wait for their turn. */
  readonly queued: number;
  /** Keys that wait for their time: a backoff, or another look that was asked for. */
  readonly delayed: number;
  readonly atWork: number;
  /** How long the oldest change has not been handled, in milliseconds; 0 when there is none. */
  readonly oldestAgeMs: number;
}

interface Task<Item> extends Work<Item> {
  readonly attempt: number;
  /** When the first change of the key came that nobody has handled. */
  readonly since: number;
  /** The sink asked for time, whatever comes in between. */
  readonly notBefore: number;
}

interface Entry<Item> extends Task<Item> {
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
  readonly #atWork = new Map<string, { readonly since: number; readonly end: Promise<void> }>();
  readonly #lanes = { fast: new Map<string, Set<string>>(), slow: new Map<string, Set<string>>() };
  readonly #breaker = new Breaker(HOT);
  #turns = 0;
  #isStopped = false;

  constructor(options: QueueOptions<Item>) {
    const defaults = { merge: (_: Item, newer: Item) => newer, deferred: () => {} };
    this.#options = { ...defaults, random: Math.random, timers: REAL_TIME, ...options };
  }

  /** Keys that wait or are at work. */
  get size(): number {
    return this.#entries.size + [...this.#atWork.keys()].filter((key) => !this.#entries.has(key)).length;
  }

  pending(): Pending {
    const now = this.#options.timers.now();
    const entries = [...this.#entries.values()];
    const delayed = entries.filter(({ cancel }) => cancel !== undefined).length;
    const oldest = [...entries, ...this.#atWork.values()].reduce((least, { since }) => Math.min(least, since), now);
    return { queued: entries.length - delayed, delayed, atWork: this.#atWork.size, oldestAgeMs: now - oldest };
  }

  /**
   * Adds an item that is to be handled now; one that waits for the same key goes, and so does its backoff, but not the time
   * that the sink asked for. What has failed so far counts on: news is tried at once, and says nothing about the sink.
   */
  add(work: Work<Item>): void {
    const waiting = this.#entries.get(work.key);
    this.#remove(work.key);
    const fresh = { ...work, attempt: 1, since: this.#options.timers.now(), notBefore: 0 };
    if (waiting === undefined) this.#enter(fresh, work.afterMs ?? 0);
    else this.#enter(this.#merged(waiting, fresh, waiting.attempt), 0);
  }

  /** Starts nothing more, and waits until what is at work has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
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
    };
  }

  #enter(task: Task<Item>, delay: number): void {
    // A timer would keep the process from ending.
    if (this.#isStopped) return;
    const { timers, deferred } = this.#options;
    const now = timers.now();
    const asked = Math.max(delay, task.notBefore - now);
    const wait = Math.max(asked, this.#breaker.waitMs(task.key, now));
    if (wait > 0) {
      if (wait > asked) deferred();
      const cancel = timers.after(wait, () => this.#enter(task, 0));
      this.#entries.set(task.key, { ...task, cancel });
      return;
    }
    this.#entries.set(task.key, task);
    this.#line(task);
    this.#start();
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
      this.#breaker.spend(entry.key, this.#options.timers.now());
      this.#atWork.set(entry.key, { since: entry.since, end: this.#work(entry) });
    }
  }

  #take(): Task<Item> | undefined {
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

  async #work(entry: Task<Item>): Promise<void> {
    const result = await this.#options.handle(entry.item, entry.attempt).catch((): Result<Item> => ({ kind: 'again' }));
    this.#atWork.delete(entry.key);
    if (result.kind === 'again') this.#again(entry, result.retryAfterSeconds);
    else this.#done(entry, result.next);
    this.#start();
  }

  /** What came while it was at work takes its place, and its wait: the sink has only now said that it cannot. */
  #again(entry: Task<Item>, retryAfterSeconds: number | undefined): void {
    const delay = delayMs(BACKOFF, entry.attempt, this.#options.random(), retryAfterSeconds);
    const notBefore = retryAfterSeconds === undefined ? 0 : this.#options.timers.now() + delay;
    const failed = { ...entry, attempt: entry.attempt + 1, notBefore };
    const newer = this.#entries.get(entry.key);
    this.#remove(entry.key);
    this.#enter(newer === undefined ? failed : this.#merged(failed, newer, failed.attempt), Math.max(delay, 1));
  }

  #done({ key, group }: Task<Item>, next: { afterMs: number; item: Item } | undefined): void {
    const newer = this.#entries.get(key);
    if (newer !== undefined) {
      if (newer.cancel === undefined) this.#line(newer);
    } else if (next !== undefined) {
      const afterMs = Math.max(next.afterMs, 1);
      // It is due then, and not late until then.
      const since = this.#options.timers.now() + afterMs;
      this.#enter({ key, group, lane: 'slow', item: next.item, attempt: 1, since, notBefore: 0 }, afterMs);
    }
  }
}
