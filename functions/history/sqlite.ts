// The history in a file, by Node's own SQLite. The file must be on a local disk: SQLite's log needs shared memory.
import { closeSync, openSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { INDEXES, listing, storedRecord, type Row } from './sql.ts';
import { HistoryError, type HistoryQuery, type HistoryRecord, type HistoryStore } from './store.ts';

/** SQLite works in the thread of the functions, so another process that writes may hold us up no longer than this. */
const BUSY_MS = 50;

/** Most pages of 4 KiB: 1 GiB, some three million records. The history then refuses to grow, before it fills the disk. */
const MOST_PAGES = 262_144;

/** Each release that changes the tables adds a step. `user_version` is the number of steps that were made. */
const STEPS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE website_history (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      cluster TEXT NOT NULL,
      namespace TEXT NOT NULL,
      name TEXT NOT NULL,
      event_id TEXT,
      event_reason TEXT NOT NULL,
      outcome TEXT NOT NULL,
      reason TEXT,
      actions TEXT NOT NULL,
      changed TEXT NOT NULL,
      duration_ms INTEGER NOT NULL
    )`,
    ...INDEXES,
  ],
];

/** A single statement, which adds all records or fails as a whole. */
const INSERT = `WITH new AS MATERIALIZED (
    SELECT key, value ->> 'at' AS at, value ->> 'cluster' AS cluster, value ->> 'namespace' AS namespace,
      value ->> 'name' AS name, value ->> 'eventId' AS event_id, value ->> 'eventReason' AS event_reason,
      value ->> 'outcome' AS outcome, value ->> 'reason' AS reason, value -> 'actions' AS actions,
      value -> 'changed' AS changed, value ->> 'durationMs' AS duration_ms
    FROM json_each(?)
  )
  INSERT INTO website_history
    (at, cluster, namespace, name, event_id, event_reason, outcome, reason, actions, changed, duration_ms)
  SELECT at, cluster, namespace, name, event_id, event_reason, outcome, reason, actions, changed, duration_ms
  FROM new
  WHERE NOT EXISTS (
    SELECT 1 FROM website_history AS known
    WHERE (known.namespace, known.name, known.at) = (new.namespace, new.name, new.at)
      AND (known.cluster, known.event_id, known.event_reason, known.outcome, known.reason, known.actions, known.changed,
        known.duration_ms)
      IS (new.cluster, new.event_id, new.event_reason, new.outcome, new.reason, new.actions, new.changed, new.duration_ms)
  )
  ORDER BY key`;
const COLUMNS = `CAST(id AS TEXT) AS id, at, cluster, namespace, name, event_id, event_reason, outcome, reason, actions,
  changed, duration_ms`;
const PRUNE = `DELETE FROM website_history
  WHERE id IN (SELECT id FROM website_history WHERE at < ? ORDER BY at LIMIT ?)`;

export class SqliteHistory implements HistoryStore {
  readonly #path: string;
  readonly #mostPages: number;
  #database: DatabaseSync | undefined;

  constructor(path: string, mostPages = MOST_PAGES) {
    this.#path = path;
    this.#mostPages = mostPages;
  }

  /** Two processes that create the file at once may find it locked. */
  async open(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      try {
        this.#opened();
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw this.#translated(error);
        await delay(BUSY_MS);
      }
    }
  }

  async add(records: readonly HistoryRecord[]): Promise<void> {
    this.#translating(() => this.#opened().prepare(INSERT).run(JSON.stringify(records)));
  }

  async list(query: HistoryQuery) {
    const { text, values } = listing(query, COLUMNS, '?');
    const rows = this.#translating(() =>
      this.#opened()
        .prepare(text)
        .all(...values),
    ) as unknown as (Row & { readonly actions: string; readonly changed: string })[];
    return rows.map(({ actions, changed, ...row }) =>
      storedRecord({
        ...row,
        actions: JSON.parse(actions) as string[],
        changed: JSON.parse(changed) as string[],
      }),
    );
  }

  async prune(before: number, most: number): Promise<number> {
    return this.#translating(() => Number(this.#opened().prepare(PRUNE).run(before, most).changes));
  }

  async close(): Promise<void> {
    this.#database?.close();
    this.#database = undefined;
  }

  #opened(): DatabaseSync {
    return (this.#database ??= opened(this.#path, this.#mostPages));
  }

  #translating<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#translated(error);
    }
  }

  /** Most messages of SQLite name no file. */
  #translated(error: unknown): HistoryError {
    const why = error instanceof Error ? error.message : String(error);
    return new HistoryError('failed', `HISTORY_URL (sqlite:${this.#path}): ${why}`, { cause: error });
  }
}

function opened(path: string, mostPages: number): DatabaseSync {
  // A pipe would stop this thread until another process reads it.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw new Error('it is not a file');
  // Other users of this machine must not read the names of Websites. SQLite gives its other files the same rights.
  closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    // With its log, a write does not wait for the disk, and readers do not wait for writers.
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA max_page_count = ${mostPages}`);
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const versionOf = (database: DatabaseSync): number =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;

/** A newer release may have made more steps. They only add, so this release works with its tables. */
function migrate(database: DatabaseSync): void {
  if (versionOf(database) >= STEPS.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have made them while this one waited for the lock.
    for (const statement of STEPS.slice(versionOf(database)).flat()) database.exec(statement);
    database.exec(`PRAGMA user_version = ${Math.max(STEPS.length, versionOf(database))}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** SQLITE_BUSY, and its extended codes in the higher bits. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && (Number(Reflect.get(error, 'errcode')) & 0xff) === 5;
