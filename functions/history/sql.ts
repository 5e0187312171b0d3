// The statements that SQLite and PostgreSQL share.
import type { HistoryQuery, StoredRecord } from './store.ts';

/** A row as both databases return it, once each has converted its own types. */
export interface Row {
  readonly id: string;
  readonly at: string | number;
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly event_id: string | null;
  readonly event_reason: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly actions: readonly string[];
  readonly changed: readonly string[];
  readonly duration_ms: number;
}

export const storedRecord = (row: Row): StoredRecord => ({
  id: row.id,
  at: Number(row.at),
  cluster: row.cluster,
  namespace: row.namespace,
  name: row.name,
  ...(row.event_id === null ? {} : { eventId: row.event_id }),
  eventReason: row.event_reason,
  outcome: row.outcome,
  ...(row.reason === null ? {} : { reason: row.reason }),
  actions: row.actions,
  changed: row.changed,
  durationMs: row.duration_ms,
});

export interface Statement {
  readonly text: string;
  readonly values: readonly (string | number)[];
}

/**
 * The records of a query, newest first, with a `?` for each value.
 * @param columns the columns as the database returns them for a `Row`.
 * @param time the expression that makes a time of the column from a `?` in milliseconds.
 */
export function listing(query: HistoryQuery, columns: string, time: string): Statement {
  const { cluster, namespace, name, before, limit } = query;
  const equal = Object.entries({ cluster, namespace, name }).flatMap(([column, value]) =>
    value === undefined ? [] : [{ text: `${column} = ?`, values: [value] }],
  );
  const earlier =
    before === undefined
      ? []
      : before.id === undefined
        ? [{ text: `at < ${time}`, values: [before.at] }]
        : [{ text: `(at, id) < (${time}, CAST(? AS bigint))`, values: [before.at, before.id] }];
  const conditions = [...equal, ...earlier];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.map(({ text }) => text).join(' AND ')}`;
  // `id` alone would be the column of the result, which is text.
  return {
    text: `SELECT ${columns} FROM website_history${where} ORDER BY website_history.at DESC, website_history.id DESC LIMIT ?`,
    values: [...conditions.flatMap(({ values }) => values), limit],
  };
}

/** Both databases search these: one Website's records, and all records by their time. */
export const INDEXES: readonly string[] = [
  'CREATE INDEX website_history_by_website ON website_history (namespace, name, at DESC, id DESC)',
  'CREATE INDEX website_history_by_time ON website_history (at DESC, id DESC)',
];
