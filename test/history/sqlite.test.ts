import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it, vi } from 'vitest';
import { listing } from '../../functions/history/sql.ts';
import { SqliteHistory } from '../../functions/history/sqlite.ts';
import { record } from './records.ts';
import { describeStore } from './suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'history-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Works on the file like another process. */
function beside<T>(path: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

describeStore('The history in SQLite', async () => {
  const path = join(folder, 'suite.db');
  const sql = "SELECT name FROM sqlite_master WHERE name LIKE 'website%' ORDER BY name";
  return {
    store: () => new SqliteHistory(path),
    async refuseWrites() {
      const refusal = "SELECT RAISE(ABORT, 'refused')";
      beside(path, (database) =>
        database.exec(`CREATE TRIGGER refusal BEFORE INSERT ON website_history BEGIN ${refusal}; END`),
      );
    },
    acceptWrites: async () => beside(path, (database) => database.exec('DROP TRIGGER refusal')),
    async planOf(query) {
      const { text, values } = listing(query, '*', '?');
      const plan = beside(path, (database) => database.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values));
      return plan.map(({ detail }) => String(detail)).join('\n');
    },
    objects: async () =>
      beside(path, (database) =>
        database
          .prepare(sql)
          .all()
          .map(({ name }) => String(name)),
      ),
  };
});

it('A full file refuses batches whole with an error, and accepts records again once old ones are deleted', async () => {
  const path = join(folder, 'full.db');
  const store = new SqliteHistory(path, 60);
  const add = (at: number) => store.add(Array.from({ length: 20 }, () => record({ at, eventId: 'x'.repeat(1000) })));
  const fill = async () => {
    for (let at = 0; at < 100; at++) await add(at);
  };
  await expect(fill()).rejects.toThrow('database or disk is full');
  const kept = (await store.list({ limit: 10_000 })).length;
  expect(kept).toBeGreaterThan(0);
  expect(kept % 20).toBe(0);
  expect(await store.prune(100, 20)).toBe(20);
  await add(100);
  expect(await store.list({ limit: 10_000 })).toHaveLength(kept);
  await store.close();
});

it('A file that another process has locked fails a write without a long wait, and works again afterwards', async () => {
  const path = join(folder, 'locked.db');
  const store = new SqliteHistory(path);
  await store.open(0);
  const other = new DatabaseSync(path);
  other.exec('BEGIN EXCLUSIVE');
  const start = performance.now();
  await expect(store.add([record()])).rejects.toThrow(`HISTORY_URL (sqlite:${path}): database is locked`);
  expect(performance.now() - start).toBeLessThan(5_000);
  other.exec('ROLLBACK');
  other.close();
  await store.add([record()]);
  expect(await store.list({ limit: 10 })).toHaveLength(1);
  await store.close();
});

it('The store reports a missing folder, and creates the file once the folder exists', async () => {
  const path = join(folder, 'later/history.db');
  const store = new SqliteHistory(path);
  await expect(store.open(0)).rejects.toThrow(path);
  mkdirSync(join(folder, 'later'));
  await store.add([record()]);
  expect(await store.list({ limit: 10 })).toHaveLength(1);
  await store.close();
});

it.each([
  ['/dev/null', () => '/dev/null'],
  ['a folder', () => folder],
  [
    'a pipe',
    () => {
      const pipe = join(folder, 'pipe');
      execFileSync('bash', ['-c', 'mkfifo "$0"', pipe]);
      return pipe;
    },
  ],
])('The store refuses %s with the setting and the path', async (_, pathOf) => {
  const path = pathOf();
  await expect(new SqliteHistory(path).open(0)).rejects.toThrow(`HISTORY_URL (sqlite:${path}): it is not a file`);
});

it('Only the owner may read the file', async () => {
  const path = join(folder, 'private.db');
  const store = new SqliteHistory(path);
  await store.add([record()]);
  const files = readdirSync(folder).filter((file) => file.startsWith('private.db'));
  expect(files).toContain('private.db-wal');
  for (const file of files) expect(statSync(join(folder, file)).mode & 0o077).toBe(0);
  await store.close();
});

it('The store uses a file of a newer release as it is', async () => {
  const path = join(folder, 'newer.db');
  const store = new SqliteHistory(path);
  await store.open(0);
  await store.close();
  beside(path, (database) =>
    database.exec('PRAGMA user_version = 9; ALTER TABLE website_history ADD COLUMN more TEXT'),
  );
  await store.add([record()]);
  expect(await store.list({ limit: 10 })).toHaveLength(1);
  await store.close();
  expect(beside(path, (database) => database.prepare('PRAGMA user_version').get())).toEqual({ user_version: 9 });
});

it('The store does not recreate tables that another process created just before', async () => {
  const path = join(folder, 'raced.db');
  const exec = Reflect.get(DatabaseSync.prototype, 'exec');
  const spy = vi.spyOn(DatabaseSync.prototype, 'exec');
  let others = 0;
  spy.mockImplementation(function (this: DatabaseSync, sql) {
    // It opens the file before it returns its promise.
    if (sql === 'BEGIN IMMEDIATE' && others++ === 0) void new SqliteHistory(path).open(0);
    exec.call(this, sql);
  });
  const store = new SqliteHistory(path);
  try {
    await store.open(0);
    expect(others).toBe(2);
  } finally {
    spy.mockRestore();
  }
  await store.add([record()]);
  expect(await store.list({ limit: 10 })).toHaveLength(1);
  await store.close();
});

it('Processes that create the file at the same time all succeed', async () => {
  const path = join(folder, 'at-once.db');
  const program = `
    import { SqliteHistory } from './functions/history/sqlite.ts';
    const store = new SqliteHistory(${JSON.stringify(path)});
    await store.open(5_000);
    await store.close();
  `;
  const start = async () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  await Promise.all(Array.from({ length: 4 }, start));
  const sql = "SELECT count(*) AS count FROM sqlite_master WHERE name = 'website_history'";
  expect(beside(path, (database) => database.prepare(sql).get())).toEqual({ count: 1 });
});
