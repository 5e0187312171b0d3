import type { Readable } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, buildConnector, request } from 'undici';
import { identity, load, serverOf, tls, unquoted, words, type ClusterAddress } from './credentials.ts';
import { ClusterError, errorOf } from './errors.ts';

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
  readonly signal?: AbortSignal | undefined;
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
  /**
   * Opens a response that stays open, on a connection of its own: a watch must not wait behind writes.
   * @throws ClusterError for every answer but 2xx, and for none.
   */
  stream(request: ApiRequest): Promise<Readable>;
  close(): Promise<void>;
}

/** Long enough for an API server under load, shorter than any host's deadline. */
const TIMEOUT_MS = 10_000;
/** How long a connector is used before certificates are read again. */
const CONNECTOR_MS = 10_000;
/** Below the 60 s after which common load balancers cut an idle connection. */
const TCP_KEEP_ALIVE_MS = 30_000;

/**
 * Connects to the API server that the kubeconfig names. @kubernetes/client-node reads kubeconfigs and supplies credentials;
 * requests go through one HTTP/1.1 pool, because the client opens a connection for each (docs/adr/0003-transport.md).
 * @throws ClusterError `Unreachable` when no cluster is configured.
 */
export async function connect(address: ClusterAddress = {}): Promise<Transport> {
  let config = load(address);
  const server = serverOf(config);
  let identify = identity(config);
  const agentOptions = {
    allowH2: false,
    connect: await connector(() => config),
    headersTimeout: 60_000,
  };
  const pool = new Agent({ ...agentOptions, connections: 32, pipelining: 1 });
  const watches = new Agent({ ...agentOptions, bodyTimeout: 0 });

  async function send(agent: Agent, { method, path, body, contentType, what, signal }: ApiRequest) {
    const headers: Record<string, string> = {
      // The keys of ServiceAccounts' tokens are of a type of their own.
      accept: 'application/json, application/jwk-set+json',
      'user-agent': 'website-reconciler',
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
      ...(await identify()),
    };
    try {
      return await request(new URL(path, server), {
        method,
        headers,
        dispatcher: agent,
        signal: signal ?? null,
        body: body === undefined ? null : JSON.stringify(body),
      });
    } catch (error) {
      throw unreachable(server, what, error);
    }
  }

  /** A token may have been rotated since it was read: load it anew, once. */
  async function sendAuthorized(agent: Agent, apiRequest: ApiRequest) {
    const response = await send(agent, apiRequest);
    if (response.statusCode !== 401) return response;
    await response.body.dump();
    config = load(address);
    identify = identity(config);
    return send(agent, apiRequest);
  }

  async function answer(agent: Agent, apiRequest: ApiRequest) {
    const response = await sendAuthorized(agent, apiRequest);
    if (response.statusCode >= 200 && response.statusCode < 300) return response;
    const retryAfter = response.headers['retry-after'];
    const text = await response.body.text().catch(() => '');
    throw errorOf(apiRequest.what, response.statusCode, text, Array.isArray(retryAfter) ? retryAfter[0] : retryAfter);
  }

  return {
    server,
    async json(apiRequest) {
      const deadline = AbortSignal.timeout(apiRequest.timeoutMs ?? TIMEOUT_MS);
      const signal = apiRequest.signal === undefined ? deadline : AbortSignal.any([deadline, apiRequest.signal]);
      const response = await answer(pool, { ...apiRequest, signal });
      try {
        return await response.body.json();
      } catch (error) {
        throw unreachable(server, apiRequest.what, unquoted(error));
      }
    },
    async stream(apiRequest) {
      return (await answer(watches, apiRequest)).body;
    },
    async close() {
      await Promise.all([pool.destroy(), watches.destroy()]);
    },
  };
}

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
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new ClusterError('Timeout', `Could not ${what}: no answer from ${server} in time`, { cause: error });
  }
  return new ClusterError('Unreachable', `Could not ${what}: ${server} cannot be reached: ${words(error)}`, {
    cause: error,
  });
}
