import type { Client } from 'pg';
import { INDEXES } from './sql.ts';

/** Each release that changes the tables adds a step. The table `website_history_version` has the number of steps that were made. */
const STEPS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE website_history (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz(3) NOT NULL,
      cluster text NOT NULL,
      namespace text NOT NULL,
      name text NOT NULL,
      event_id text,
      event_reason text NOT NULL,
      outcome text NOT NULL,
      reason text,
      actions jsonb NOT NULL,
      changed jsonb NOT NULL,
      duration_ms integer NOT NULL
    )`,
    ...INDEXES,
  ],
];

/** Any number that no other program uses for its own lock in this database. */
const LOCK = 7_165_327_011;

/**
 * Creates or updates the tables. Functions that start at once wait for one another. A user without the right to create tables can
 * use tables that are up to date. A newer release may have made more steps. They only add, so this release works with its tables.
 */
export async function migrate(client: Client): Promise<void> {
  const table = await client.query<{ known: string | null }>("SELECT to_regclass('website_history_version') AS known");
  if (table.rows[0]?.known !== null && (await versionOf(client)) >= STEPS.length) return;
  await client.query('BEGIN');
  await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
  // After the wait, `to_regclass` could still answer from before it. This statement looks again.
  await client.query('CREATE TABLE IF NOT EXISTS website_history_version (version integer NOT NULL)');
  const version = await versionOf(client);
  for (const statement of STEPS.slice(version).flat()) await client.query(statement);
  await client.query('DELETE FROM website_history_version');
  await client.query('INSERT INTO website_history_version VALUES ($1)', [Math.max(version, STEPS.length)]);
  await client.query('COMMIT');
}

async function versionOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ version: number }>('SELECT version FROM website_history_version');
  return rows[0]?.version ?? 0;
}
