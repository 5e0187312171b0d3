import { Joining } from '../resync/joining.ts';
import type { Log } from '../telemetry/log.ts';
import { countRecords } from '../telemetry/metrics.ts';
import { Failing } from './failing.ts';
import { HistoryError, type HistoryQuery, type HistoryRecord, type HistoryStore, type StoredRecord } from './store.ts';

/** The longest time that a reply waits for its record. */
const WRITE_MS = 200;
/** Most records that wait while others are being written. */
const MOST_WAITING = 500;
/** After a failure, records are dropped at once for this time. So a store that is down does not delay every reply. */
const PAUSE_MS = 10_000;
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
  readonly pauseMs?: number;
}

/**
 * Keeps what runs did. It fails no run: a record that cannot be written within `WRITE_MS` is dropped and counted.
 * A process that Azure freezes after its reply writes nothing later, so a reply waits for its record.
 */
export class History {
  readonly clusterName: string;
  readonly #store: HistoryStore;
  readonly #log: Log;
  readonly #days: number;
  readonly #pauseMs: number;
  readonly #failing = new Failing();
  readonly #turns = new Joining<void>();
  #waiting: HistoryRecord[] = [];
  #pausedUntil = 0;
  /** Records that were dropped since the last one was written. */
  #dropped = 0;

  constructor(store: HistoryStore, { clusterName, days, pauseMs = PAUSE_MS }: Settings, log: Log) {
    this.#store = store;
    this.#log = log;
    this.clusterName = clusterName;
    this.#days = days;
    this.#pauseMs = pauseMs;
  }

  /** Connects in the background, so that the first record does not have to wait for it. A failure is logged, and the next record tries again. */
  openSoon(): void {
    this.#store.open(OPEN_MS).catch((error: unknown) => this.#log.warn(about(error), 'Could not open history'));
  }

  /** Writes the record if it says something new. It returns after `WRITE_MS` at the latest, and never throws. */
  async record(record: HistoryRecord): Promise<void> {
    if (!this.#failing.isNews(record)) return;
    if (performance.now() < this.#pausedUntil) return this.#drop(1, 'paused');
    if (this.#waiting.length >= MOST_WAITING) return this.#drop(1, 'full');
    this.#waiting.push(record);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, WRITE_MS)));
    // Records that wait are written together.
    await Promise.race([this.#turns.run(() => this.#writeWaiting()), late]).finally(() => clearTimeout(timer));
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

  async close(): Promise<void> {
    await this.#turns.run(() => this.#writeWaiting());
    await this.#store.close();
  }

  async #writeWaiting(): Promise<void> {
    const records = this.#waiting;
    this.#waiting = [];
    if (records.length === 0) return;
    if (performance.now() < this.#pausedUntil) return this.#drop(records.length, 'paused');
    try {
      await this.#store.add(records, WRITE_MS);
      countRecords('written', records.length);
      if (this.#dropped > 0) this.#log.info({ dropped: this.#dropped }, 'Wrote history again');
      this.#dropped = 0;
    } catch (error) {
      this.#pausedUntil = performance.now() + this.#pauseMs;
      this.#drop(records.length, error instanceof HistoryError ? error.why : 'failed');
      this.#log.warn({ ...about(error), dropped: this.#dropped }, 'Could not write history');
    }
  }

  #drop(count: number, result: 'failed' | 'late' | 'paused' | 'full'): void {
    this.#dropped += count;
    countRecords(result, count);
  }
}

/** Only the message: the fields of a library's error may hold what it was configured with. */
const about = (error: unknown): { error: string } => ({
  error: error instanceof Error ? error.message : String(error),
});
