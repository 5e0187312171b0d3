import { Joining } from '../resync/joining.ts';
import type { Log } from '../telemetry/log.ts';
import { countRecords } from '../telemetry/metrics.ts';
import { Failing } from './failing.ts';
import { HistoryError, type HistoryQuery, type HistoryRecord, type HistoryStore, type StoredRecord } from './store.ts';

/** The longest time that a reply waits for its record. */
const REPLY_MS = 200;
/** The longest time that a write takes. It is longer than the time limit of a statement, so that the error is that of the database. */
const WRITE_MS = 3_000;
/** Most records that are being written or wait to be written. */
const MOST_WAITING = 500;
/** After a failure, the records wait for this time. */
const PAUSE_MS = 10_000;
/**
 * How often a record is tried. With the pauses, that takes 5 minutes: a database restarts, or fails over to its replica, in less. The
 * time while Azure freezes a process does not count.
 */
const MOST_FAILURES = 30;
/** How long closing may take for what still waits. The Azure host gives a worker 5 s to stop. */
const CLOSE_MS = 3_000;
const OPEN_MS = 5_000;
const READ_MS = 2_000;
/** What old records may cost a resync. */
const PRUNE_MS = 2_000;
const PRUNE_BATCH = 500;
const DAY_MS = 24 * 3_600_000;

interface Settings {
  /** For records of the only cluster. */
  readonly clusterName: string;
  readonly days: number;
}

interface Waiting {
  readonly record: HistoryRecord;
  failures: number;
}

/**
 * Keeps what runs did. It never makes a run fail: a record that cannot be written waits in memory, and is dropped and counted in the end.
 * A process that Azure freezes after its reply writes nothing until its next event, so a reply waits `REPLY_MS` for its record.
 */
export class History {
  readonly clusterName: string;
  readonly #store: HistoryStore;
  readonly #log: Log;
  readonly #days: number;
  readonly #failing = new Failing();
  readonly #turns = new Joining<void>();
  /** Oldest first. A record stays here until it is written. */
  readonly #waiting: Waiting[] = [];
  /** When the running write began. */
  #writingSince: number | undefined;
  /** Set while the history pauses. */
  #retry: NodeJS.Timeout | undefined;
  /** Records that were dropped since the last one was written. */
  #dropped = 0;
  #isFailing = false;
  /** Records of the last write, if the store did not answer: it may have stored them. */
  #unconfirmed = 0;
  /** Once the history is being closed, no write takes longer than until then. */
  #closesAt = Infinity;
  #isClosed = false;

  constructor(store: HistoryStore, { clusterName, days }: Settings, log: Log) {
    this.#store = store;
    this.#log = log;
    this.clusterName = clusterName;
    this.#days = days;
  }

  /** Connects in the background, so that the first record does not have to wait for it. A failure is logged, and the next record tries again. */
  openSoon(): void {
    this.#store.open(OPEN_MS).catch((error: unknown) => this.#log.warn(about(error), 'Could not open history'));
  }

  /** Writes the record if it says something new. It returns after `REPLY_MS` at the latest, and never throws. */
  async record(record: HistoryRecord): Promise<void> {
    if (!this.#failing.isNews(record)) return;
    const waiting = { record, failures: 0 };
    if (this.#isClosed) return this.#lose([waiting]);
    if (this.#waiting.length >= MOST_WAITING) return this.#drop([waiting], 'full');
    this.#waiting.push(waiting);
    // The first reply has waited for a slow store. The others do not.
    const isWorthWaiting = !this.#isPaused() && !this.#isSlow();
    // Records that wait are written together.
    const written = this.#turns.run(() => this.#writeWaiting());
    if (isWorthWaiting) await atMost(REPLY_MS, written);
  }

  /** @throws HistoryError */
  async list(query: HistoryQuery): Promise<readonly StoredRecord[]> {
    return this.#store.list(query, READ_MS);
  }

  /** Deletes records that are too old. What takes too long is left to the next call. It never throws. */
  async prune(now: Date): Promise<void> {
    const before = now.getTime() - this.#days * DAY_MS;
    const deadline = performance.now() + PRUNE_MS;
    try {
      for (let deleted = PRUNE_BATCH; deleted === PRUNE_BATCH && performance.now() < deadline;) {
        deleted = await this.#store.prune(before, PRUNE_BATCH, deadline - performance.now());
        // SQLite works in this thread, and events are waiting.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      this.#log.warn(about(error), 'Could not delete old history');
    }
  }

  /**
   * Tries once more to write what waits, and drops the rest. It waits for each write that it has begun, also for one that was running
   * already. So each record counts either as written or as dropped. No write is longer than `CLOSE_MS`, even if the store hangs.
   */
  async close(): Promise<void> {
    this.#closesAt = performance.now() + CLOSE_MS;
    this.#endPause();
    // Runs that end meanwhile leave further records.
    do await this.#turns.run(() => this.#writeWaiting());
    while (this.#waiting.length > 0 && !this.#isFailing && this.#leftMs() > 0);
    this.#isClosed = true;
    this.#lose(this.#waiting.splice(0));
    await this.#store.close();
  }

  async #writeWaiting(): Promise<void> {
    const batch = [...this.#waiting];
    const withinMs = Math.min(WRITE_MS, this.#leftMs());
    if (batch.length === 0 || withinMs <= 0 || this.#isPaused()) return;
    this.#writingSince = performance.now();
    this.#unconfirmed = 0;
    try {
      await this.#store.add(
        batch.map(({ record }) => record),
        withinMs,
      );
      this.#waiting.splice(0, batch.length);
      countRecords('written', batch.length);
      if (this.#isFailing || this.#dropped > 0) this.#log.info({ dropped: this.#dropped }, 'Wrote history again');
      this.#isFailing = false;
      this.#dropped = 0;
    } catch (error) {
      const why = error instanceof HistoryError ? error.why : 'failed';
      if (why === 'late') this.#unconfirmed = batch.length;
      this.#isFailing = true;
      this.#pause();
      for (const each of batch) each.failures++;
      this.#dropTried(why);
      const { length: waiting } = this.#waiting;
      this.#log.warn({ ...about(error), waiting, dropped: this.#dropped }, 'Could not write history');
    } finally {
      this.#writingSince = undefined;
    }
  }

  /** Whether the running write takes longer than a reply waits. */
  #isSlow(): boolean {
    return this.#writingSince !== undefined && performance.now() - this.#writingSince >= REPLY_MS;
  }

  #isPaused(): boolean {
    return this.#retry !== undefined;
  }

  /** How much time is left until the history is closed. */
  #leftMs(): number {
    return this.#closesAt - performance.now();
  }

  #pause(): void {
    if (this.#closesAt < Infinity) return;
    const retry = () => {
      this.#retry = undefined;
      // It does not fail: the error of the store is already in the log.
      this.#turns.run(() => this.#writeWaiting()).catch(() => {});
    };
    this.#retry = setTimeout(retry, PAUSE_MS).unref();
  }

  #endPause(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  /** A record that the store refuses each time must not keep the others waiting forever. The oldest were tried most often. */
  #dropTried(why: HistoryError['why']): void {
    const kept = this.#waiting.findIndex(({ failures }) => failures < MOST_FAILURES);
    this.#drop(this.#waiting.splice(0, kept === -1 ? this.#waiting.length : kept), why);
  }

  /** Drops records because the process ends. */
  #lose(lost: readonly Waiting[]): void {
    if (lost.length === 0) return;
    this.#drop(lost, 'late');
    const counts = { dropped: this.#dropped, unconfirmed: this.#unconfirmed };
    this.#log.warn(counts, 'Stopped before all history was written');
  }

  #drop(dropped: readonly Waiting[], result: 'failed' | 'late' | 'full'): void {
    if (dropped.length === 0) return;
    for (const { record } of dropped) this.#failing.forget(record);
    this.#dropped += dropped.length;
    countRecords(result, dropped.length);
  }
}

/** Waits for the work, but no longer than this. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Only the message: the fields of a library's error may hold what it was configured with. */
const about = (error: unknown): { error: string } => ({
  error: error instanceof Error ? error.message : String(error),
});
