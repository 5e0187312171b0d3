import type { Readable } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { identity, load, serverOf, tls, unquoted, words, type ClusterAddress } from './credentials.ts';
import { ClusterError, errorOf } from './errors.ts';
import { AnswerTooLargeError, exchange, type Answer } from './exchange.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** The request in words, for the error message: `get websites shop in namespace a`. */
  readonly what: string;
  /** Gives up after this long; 10 s when absent. */
  readonly timeoutMs?: number;
  /** The most that is read of the answer, in bytes; `LARGEST_ANSWER` when absent. */
  readonly largest?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A parsed answer. */
export interface Sized {
  readonly value: unknown;
  /** Of the answer's text. */
  readonly bytes: number;
}

/** Speaks HTTP with one API server. */
export interface Transport {
  /** `https://host:port`, for messages. */
  readonly server: string;
  /**
   * Sends one request and parses the answer.
   * @throws ClusterError for every answer but 2xx, and for none.
   */
  json(request: ApiRequest): Promise<unknown>;
  /** The same, with the size of the answer. */
  sized(request: ApiRequest): Promise<Sized>;
  /**
   * Opens a response that stays open, on a connection of its own: a watch must not wait behind writes.
   * @throws ClusterError for every answer but 2xx, and for none.
   */
  stream(request: ApiRequest): Promise<Readable>;
  close(): Promise<void>;
}

/**
 * No object comes to more, in bytes: etcd takes 1.5 MiB, and the API server writes a character of one byte as six where it has
 * to escape it.
 */
export const LARGEST_ANSWER = 16 * 1024 * 1024;
/** Long enough for an API server under load, shorter than any host's deadline. */
const TIMEOUT_MS = 10_000;
/** How long a connector is used before certificates are read again. */
const CONNECTOR_MS = 10_000;
/** Below the 60 s after which common load balancers cut an idle connection. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** How long a connection waits for the next request: changes come in groups, and a handshake takes longer than most requests. */
const IDLE_MS = 50_000;

/**
 * Connects to the API server that the kubeconfig names. @kubernetes/client-node reads kubeconfigs and supplies credentials;
 * requests go through one HTTP/1.1 pool, because the client opens a connection for each (docs/adr/0003-transport.md).
 * @throws ClusterError `Unreachable` when no cluster is configured.
 */
export async function connect(address: ClusterAddress = {}): Promise<Transport> {
  let config = load(address);
  const server = serverOf(config);
  // A server may have a path of its own, behind a gateway.
  const { origin, pathname } = new URL(server);
  const prefix = pathname.replace(/\/$/, '');
  let identify = identity(config);
  const agentOptions = {
    allowH2: false,
    connect: await connector(() => config),
    headersTimeout: 60_000,
  };
  const pool = new Agent({ ...agentOptions, connections: 32, pipelining: 1, keepAliveTimeout: IDLE_MS });
  const watches = new Agent({ ...agentOptions, bodyTimeout: 0 });

  async function dispatched({ method, path, body, contentType }: ApiRequest) {
    const headers = {
      // The keys of ServiceAccounts' tokens are of a type of their own.
      accept: 'application/json, application/jwk-set+json',
      'user-agent': 'website-reconciler',
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
      ...(await identify()),
    };
    return { origin, method, path: prefix + path, headers, body: body === undefined ? null : JSON.stringify(body) };
  }

  /** Reads the answer. A token may have been rotated since it was read: it is loaded anew, once. */
  async function send(apiRequest: ApiRequest): Promise<Answer> {
    const { timeoutMs = TIMEOUT_MS, largest = LARGEST_ANSWER, signal } = apiRequest;
    const limits = { timeoutMs, largest, signal };
    const answer = await exchange(pool, await dispatched(apiRequest), limits);
    if (answer.status !== 401) return answer;
    reload();
    return exchange(pool, await dispatched(apiRequest), limits);
  }

  /** The same for an answer that does not end. */
  async function open(apiRequest: ApiRequest): Promise<Dispatcher.ResponseData> {
    const openOnce = async () =>
      watches.request({ ...(await dispatched(apiRequest)), signal: apiRequest.signal ?? null });
    const response = await openOnce();
    if (response.statusCode !== 401) return response;
    await response.body.dump();
    reload();
    return openOnce();
  }

  function reload(): void {
    config = load(address);
    identify = identity(config);
  }

  async function sized(apiRequest: ApiRequest): Promise<Sized> {
    const { what } = apiRequest;
    const { status, headers, text, bytes } = await send(apiRequest).catch((error: unknown) => {
      throw unreachable(server, what, error);
    });
    if (!isGood(status)) throw errorOf(what, status, text, first(headers['retry-after']));
    try {
      return { value: JSON.parse(text), bytes };
    } catch (error) {
      throw unreachable(server, what, unquoted(error));
    }
  }

  return {
    server,
    json: async (apiRequest) => (await sized(apiRequest)).value,
    sized,
    async stream(apiRequest) {
      const { what } = apiRequest;
      const { statusCode, headers, body } = await open(apiRequest).catch((error: unknown) => {
        throw unreachable(server, what, error);
      });
      if (isGood(statusCode)) return body;
      const text = await body.text().catch(() => '');
      throw errorOf(what, statusCode, text, first(headers['retry-after']));
    },
    async close() {
      await Promise.all([pool.destroy(), watches.destroy()]);
    },
  };
}

const isGood = (status: number): boolean => status >= 200 && status < 300;
const first = (header: string | string[] | undefined): string | undefined => [header].flat()[0];

/**
 * Connects with the first request, and with the next one where that did not work.
 * @throws ClusterError `Unreachable` at once when the kubeconfig has no such cluster.
 */
export function connectLater(address: ClusterAddress): Transport {
  let connection: Promise<Transport> | undefined;
  async function connected(): Promise<Transport> {
    connection ??= connect(address);
    try {
      return await connection;
    } catch (error) {
      connection = undefined;
      throw error;
    }
  }
  return {
    server: serverOf(load(address)),
    json: async (apiRequest) => (await connected()).json(apiRequest),
    sized: async (apiRequest) => (await connected()).sized(apiRequest),
    stream: async (apiRequest) => (await connected()).stream(apiRequest),
    close: async () => (await connection?.catch(() => undefined))?.close(),
  };
}

/**
 * Makes connections with the certificates that there are at the time: an authority that is replaced, or a client certificate,
 * takes no restart.
 * @throws ClusterError when there are none to begin with.
 */
async function connector(config: () => KubeConfig): Promise<buildConnector.connector> {
  const make = async () => {
    const options = await tls(config());
    return buildConnector({ ...options, allowH2: false, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS });
  };
  // One is kept for a while, since it knows the TLS sessions that it may resume.
  let current = await make();
  let madeAt = performance.now();
  return (options, callback) => {
    void (async () => {
      if (performance.now() - madeAt > CONNECTOR_MS) {
        madeAt = performance.now();
        // Files that are half replaced are read again for the next connection.
        current = await make().catch(() => current);
      }
      current(options, callback);
    })();
  };
}

function unreachable(server: string, what: string, error: unknown): ClusterError {
  // Of the credentials: it says more.
  if (error instanceof ClusterError) return error;
  if (error instanceof AnswerTooLargeError)
    return new ClusterError('AnswerTooLarge', `Could not ${what}: ${error.message}`, { cause: error });
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new ClusterError('Timeout', `Could not ${what}: no answer from ${server} in time`, { cause: error });
  }
  return new ClusterError('Unreachable', `Could not ${what}: ${server} cannot be reached: ${words(error)}`, {
    cause: error,
  });
}
