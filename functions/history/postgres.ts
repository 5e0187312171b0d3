// The history in PostgreSQL.
import { Connection } from './connection.ts';
import { listing, storedRecord, type Row } from './sql.ts';
import type { HistoryQuery, HistoryRecord, HistoryStore } from './store.ts';

/** A single statement, which adds all records or fails as a whole. */
const INSERT = `INSERT INTO website_history
    (at, cluster, namespace, name, event_id, event_reason, outcome, reason, actions, changed, duration_ms)
  SELECT new.time, new.cluster, new.namespace, new.name, new."eventId", new."eventReason", new.outcome, new.reason,
    new.actions, new.changed, new."durationMs"
  FROM (
    SELECT *, to_timestamp(at::double precision / 1000)::timestamptz(3) AS time
    FROM ROWS FROM (jsonb_to_recordset($1::text::jsonb) AS (at bigint, cluster text, namespace text, name text,
      "eventId" text, "eventReason" text, outcome text, reason text, actions jsonb, changed jsonb, "durationMs" integer))
      WITH ORDINALITY
  ) AS new
  WHERE NOT EXISTS (
    SELECT FROM website_history AS known
    WHERE (known.namespace, known.name, known.at) = (new.namespace, new.name, new.time)
      AND (known.cluster, known.event_id, known.event_reason, known.outcome, known.reason, known.actions, known.changed,
        known.duration_ms)
      IS NOT DISTINCT FROM (new.cluster, new."eventId", new."eventReason", new.outcome, new.reason, new.actions,
        new.changed, new."durationMs")
  )
  ORDER BY new.ordinality`;
const COLUMNS = `id::text AS id, (extract(epoch FROM at) * 1000)::bigint::text AS at, cluster, namespace, name, event_id,
  event_reason, outcome, reason, actions, changed, duration_ms`;
const TIME = 'to_timestamp(?::double precision / 1000)';
/** Functions that prune at once share the work. */
const PRUNE = `DELETE FROM website_history WHERE id IN (
  SELECT id FROM website_history WHERE at < to_timestamp($1::double precision / 1000)
  ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)`;

export class PostgresHistory implements HistoryStore {
  /** Only for writing records, so that slow readers do not delay replies. */
  readonly #writer: Connection;
  /** Opened by the first caller who reads, or by a resync. */
  readonly #other: Connection;

  constructor(url: string) {
    this.#writer = new Connection(url);
    this.#other = new Connection(url);
  }

  async open(withinMs: number): Promise<void> {
    await this.#writer.use(withinMs, async () => {});
  }

  async add(records: readonly HistoryRecord[], withinMs: number): Promise<void> {
    await this.#writer.use(withinMs, (client) => client.query(INSERT, [JSON.stringify(records)]));
  }

  async list(query: HistoryQuery, withinMs: number) {
    const { text, values } = listing(query, COLUMNS, TIME);
    let number = 0;
    const numbered = text.replaceAll('?', () => `$${++number}`);
    const { rows } = await this.#other.use(withinMs, (client) => client.query<Row>(numbered, [...values]));
    return rows.map(storedRecord);
  }

  async prune(before: number, most: number, withinMs: number): Promise<number> {
    const { rowCount } = await this.#other.use(withinMs, (client) => client.query(PRUNE, [before, most]));
    return rowCount ?? 0;
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#other.close()]);
  }
}
