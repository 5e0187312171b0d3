import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listing } from '../../functions/history/sql.ts';
import { PostgresHistory } from '../../functions/history/postgres.ts';
import { HistoryError } from '../../functions/history/store.ts';
import { eventually } from '../eventually.ts';
import { findPostgres, PASSWORD, startPostgres, type PostgresServer } from './postgres-server.ts';
import { record } from './records.ts';
import { startSilentServer } from './silent-server.ts';
import { describeStore } from './suite.ts';

const MS = 5_000;
const found = findPostgres();
if ('missing' in found) process.stderr.write(`Skipped the tests of PostgreSQL: ${found.missing}\n`);

describe.skipIf('missing' in found)('With a PostgreSQL server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres('bin' in found ? found.bin : '');
  });
  afterAll(() => server.remove());

  describeStore('The history in PostgreSQL', async () => {
    const url = await server.database('suite');
    const run = (...statements: string[]) => server.queryIn('suite', ...statements);
    return {
      store: () => new PostgresHistory(url),
      async refuseWrites() {
        await run(
          `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$`,
          'CREATE TRIGGER refusal AFTER INSERT ON website_history EXECUTE FUNCTION refuse()',
        );
      },
      acceptWrites: async () => void (await run('DROP TRIGGER refusal ON website_history')),
      async planOf(query) {
        const { text, values } = listing(query, '*', 'to_timestamp(?::double precision / 1000)');
        const literals = values.map((value) => `'${value}'`);
        // Without these settings, PostgreSQL would scan such a small table.
        const plan = await run(
          'SET enable_seqscan = off',
          'SET enable_bitmapscan = off',
          `EXPLAIN ${text.replaceAll('?', () => literals.shift() ?? '')}`,
        );
        return plan.map((row) => Object.values(row as object).join(' ')).join('\n');
      },
      async objects() {
        const sql = `SELECT relname FROM pg_class WHERE relname LIKE 'website%' AND relkind IN ('r', 'i')
          AND relname NOT LIKE '%_pkey' AND relname <> 'website_history_version' ORDER BY relname`;
        return (await run(sql)).map((row) => (row as { relname: string }).relname);
      },
    };
  });

  it('Processes that create the tables at the same time all succeed', async () => {
    const url = await server.database('at_once');
    const program = `
      import { PostgresHistory } from './functions/history/postgres.ts';
      const store = new PostgresHistory(${JSON.stringify(url)});
      await store.open(10_000);
      await store.close();
    `;
    const start = async () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
    await Promise.all(Array.from({ length: 4 }, start));
    expect(await server.queryIn('at_once', 'SELECT version FROM website_history_version')).toEqual([{ version: 1 }]);
  });

  it('The store uses tables of a newer release as they are, even as a user who may not create tables', async () => {
    const url = await server.database('newer');
    const store = new PostgresHistory(url);
    await store.open(MS);
    await store.close();
    await server.queryIn(
      'newer',
      'UPDATE website_history_version SET version = 9',
      'ALTER TABLE website_history ADD COLUMN more text',
      'ALTER TABLE website_history OWNER TO postgres',
      'ALTER TABLE website_history_version OWNER TO postgres',
      'ALTER DATABASE newer OWNER TO postgres',
      'GRANT SELECT, INSERT, UPDATE, DELETE ON website_history, website_history_version TO website',
    );
    await store.add([record()], MS);
    expect(await store.list({ limit: 10 }, MS)).toHaveLength(1);
    await store.close();
    expect(await server.queryIn('newer', 'SELECT version FROM website_history_version')).toEqual([{ version: 9 }]);
  });

  it('The error about a wrong password does not quote it', async () => {
    const store = new PostgresHistory(server.url.replace(PASSWORD, `${PASSWORD}-wrong`));
    const error = await store.open(MS).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HistoryError);
    expect(String(error)).toMatch(
      /HISTORY_URL \(postgres:\/\/127\.0\.0\.1:\d+\/postgres\): password authentication failed for user "website"\. Check the user/,
    );
    expect(String(error)).not.toContain(PASSWORD);
    await store.close();
  });

  it("The store encrypts the connection and checks the server's certificate if the URL says so", async () => {
    const checked = `${server.url}?sslmode=verify-full`;
    const store = new PostgresHistory(`${checked}&sslrootcert=${server.authority}`);
    await store.add([record()], MS);
    const encrypted = "SELECT 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND usename = 'website'";
    expect(await server.query(encrypted)).toHaveLength(1);
    await store.close();
    const unknown = new PostgresHistory(checked);
    await expect(unknown.add([record()], MS)).rejects.toThrow(
      'unable to verify the first certificate. Add &sslrootcert=',
    );
    await unknown.close();
  });

  it('The store fails at once while the server is stopped, and works again once it runs', async () => {
    const store = new PostgresHistory(await server.database('stopped'));
    await store.add([record()], MS);
    await server.stop();
    await expect(store.add([record()], MS)).rejects.toBeInstanceOf(HistoryError);
    await expect(store.add([record()], MS)).rejects.toThrow('ECONNREFUSED');
    await server.start();
    await store.add([record({ name: 'later' })], MS);
    expect(await store.list({ limit: 10 }, MS)).toHaveLength(2);
    await store.close();
  });

  it('The store recreates dropped tables: after an error, it connects again', async () => {
    const store = new PostgresHistory(await server.database('dropped'));
    await store.add([record()], MS);
    await server.queryIn('dropped', 'DROP TABLE website_history, website_history_version');
    await expect(store.add([record()], MS)).rejects.toThrow('website_history');
    await store.add([record()], MS);
    expect(await store.list({ limit: 10 }, MS)).toHaveLength(1);
    await store.close();
  });

  it('The store gives up a statement that waits for a lock in time, and leaves nothing running on the server', async () => {
    const store = new PostgresHistory(await server.database('locked'));
    await store.open(MS);
    const release = await server.hold('locked', 'LOCK TABLE website_history IN ACCESS EXCLUSIVE MODE');
    const start = performance.now();
    await expect(store.add([record()], 200)).rejects.toMatchObject({
      name: 'HistoryError',
      why: 'late',
      message: expect.stringMatching(/^HISTORY_URL .*: The database did not answer within 200 ms$/) as string,
    });
    expect(performance.now() - start).toBeLessThan(10_000);
    // The server does not notice that its client is gone. The statement's own time limit ends it.
    const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'locked'";
    expect(await server.query(waiting)).toHaveLength(1);
    await eventually(async () => expect(await server.query(waiting)).toEqual([]));
    await release();
    expect(await store.list({ limit: 10 }, MS)).toEqual([]);
    await store.add([record()], MS);
    expect(await store.list({ limit: 10 }, MS)).toHaveLength(1);
    await store.close();
  });

  it('Slow readers do not delay a writer', async () => {
    const store = new PostgresHistory(await server.database('slow'));
    await store.add([record()], MS);
    const release = await server.hold('slow', 'LOCK TABLE website_history IN ACCESS EXCLUSIVE MODE');
    const reading = store.list({ limit: 10 }, 1_000).catch((error: unknown) => error);
    const second = store.list({ limit: 10 }, 1_000).catch((error: unknown) => error);
    await eventually(async () =>
      expect(
        await server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'slow'"),
      ).toHaveLength(1),
    );
    await store.open(200);
    expect([await reading, await second]).toEqual([expect.any(HistoryError), expect.any(HistoryError)]);
    await release();
    await store.close();
  });
});

it('The store gives up on a silent server in time, with one connection only', async () => {
  const silent = await startSilentServer();
  const store = new PostgresHistory(`postgres://u:${PASSWORD}@127.0.0.1:${silent.port}/db`);
  const start = performance.now();
  const errors = await Promise.all([1, 2, 3].map(() => store.add([record()], 200).catch((error: unknown) => error)));
  expect(performance.now() - start).toBeLessThan(10_000);
  for (const error of errors) {
    expect(error).toMatchObject({ name: 'HistoryError', why: 'late' });
    expect(String(error)).not.toContain(PASSWORD);
    expect(String(error)).toContain('No connection was made. Check the host and the port');
  }
  expect(silent.connections.size).toBe(1);
  // The attempt to connect reaches its own deadline.
  await eventually(() => expect(silent.connections.size).toBe(0));
  await store.close();
  silent.close();
});

it('Closing the store does not wait until a connection to a silent server is given up', async () => {
  const silent = await startSilentServer();
  const store = new PostgresHistory(`postgres://u:${PASSWORD}@127.0.0.1:${silent.port}/db`);
  // The attempt to connect would reach its own deadline only if this clock came to it.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const opened = store.open(200).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(200);
    expect(await opened).toMatchObject({ why: 'late' });
    const closed = store.close();
    await vi.advanceTimersByTimeAsync(1_000);
    await closed;
  } finally {
    vi.useRealTimers();
  }
  await eventually(() => expect(silent.connections.size).toBe(0));
  silent.close();
});

it.each(['postgres://127.0.0.1:1/db', 'postgres://localhost:1/db', 'postgres://u:p@127.0.0.1:1/db?sslmode=nonsense'])(
  'The error about an unreachable server has a message: %s',
  async (url) => {
    const store = new PostgresHistory(url);
    const error = await store.add([record()], MS).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HistoryError);
    expect((error as HistoryError).message).toMatch(/\w/);
    await store.close();
  },
);
