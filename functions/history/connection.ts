import { Socket } from 'node:net';
import { Client } from 'pg';
import { credentialsIn } from '../cluster/credentials/file-text.ts';
import { Places } from '../cluster/places.ts';
import { historyErrorOf } from './postgres-errors.ts';
import { migrate } from './postgres-schema.ts';
import { HistoryError } from './store.ts';

/** A connection takes longer than a statement: names, TLS, the password, and the tables once. */
const CONNECT_MS = 5_000;
/** After this time the server ends a statement whose client is gone, for example one that waited for a lock. */
const STATEMENT_MS = 2_000;

/** After this time, a connection whose server does not answer is cut. */
const END_MS = 1_000;

interface Open {
  /** Once the connection can be used. */
  readonly client: Promise<Client>;
  isConnected(): boolean;
  /** Ends the connection at once. `Client.end` would wait for a server that hangs. */
  destroy(): void;
}

/** One connection to PostgreSQL that is opened when it is needed, and again after it broke. One statement runs at a time. */
export class Connection {
  readonly #url: string;
  readonly #turn = new Places(1);
  #open: Open | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Runs `work` with the connection. After an error, or if the time is over, the connection counts as broken. A connection that
   * is still being opened then stays for the next call.
   * @throws HistoryError
   */
  async use<T>(withinMs: number, work: (client: Client) => Promise<T>): Promise<T> {
    const late = new AbortController();
    const run = async (): Promise<T> => {
      const leave = await this.#turn.take();
      try {
        late.signal.throwIfAborted();
        const open = this.#connected();
        const client = await open.client;
        late.signal.throwIfAborted();
        late.signal.addEventListener('abort', () => this.#forget(open));
        return await work(client).catch((error: unknown) => {
          this.#forget(open);
          throw error;
        });
      } finally {
        leave();
      }
    };
    const timer = setTimeout(
      () => late.abort(new HistoryError('late', this.#lateness(Math.round(withinMs)))),
      withinMs,
    );
    const isLate = new Promise<never>((_, reject) => {
      late.signal.addEventListener('abort', () => reject(late.signal.reason as HistoryError), { once: true });
    });
    try {
      return await Promise.race([run(), isLate]);
    } catch (error) {
      throw historyErrorOf(error, this.#url);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    const ended = open.client.then((client) => client.end()).catch(() => {});
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, END_MS).unref())]);
    open.destroy();
  }

  #connected(): Open {
    if (this.#open !== undefined) return this.#open;
    const open = connect(this.#url, () => forget());
    const forget = () => {
      if (this.#open === open) this.#open = undefined;
    };
    open.client.catch(forget);
    this.#open = open;
    return open;
  }

  #lateness(ms: number): string {
    const isConnecting = this.#open?.isConnected() === false;
    return `The database did not answer within ${ms} ms${isConnecting ? '. No connection was made' : ''}`;
  }

  #forget(open: Open): void {
    open.destroy();
    this.#open = undefined;
  }
}

/** @param onEnd is called, later, when the connection ends. */
function connect(url: string, onEnd: () => void): Open {
  const socket = new Socket();
  let isConnected = false;
  const client = connected(url, socket, onEnd);
  client.then(
    () => (isConnected = true),
    () => {},
  );
  return {
    client,
    isConnected: () => isConnected,
    destroy() {
      socket.destroy();
    },
  };
}

async function connected(url: string, socket: Socket, onEnd: () => void): Promise<Client> {
  const timer = setTimeout(
    () => socket.destroy(new Error(`No connection to the database within ${CONNECT_MS} ms`)),
    CONNECT_MS,
  );
  try {
    checkFiles(url);
    const client = new Client({
      connectionString: url,
      stream: () => socket,
      keepAlive: true,
      application_name: 'website-functions',
    });
    // An error without a statement, such as a server that restarts.
    client.on('error', onEnd);
    client.on('end', onEnd);
    await client.connect();
    await client.query(`SET statement_timeout = ${STATEMENT_MS}`);
    await migrate(client);
    return client;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** pg reads the files that the URL names whole, whatever their size. @throws an Error that names the file */
function checkFiles(url: string): void {
  const { searchParams } = new URL(url);
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = searchParams.get(name);
    if (file) credentialsIn(file);
  }
}
