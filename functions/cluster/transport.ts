import type { RequestOptions } from 'node:https';
import type { Readable } from 'node:stream';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, request } from 'undici';
import { ClusterError, errorOf } from './errors.ts';

/** Where the credentials come from: a kubeconfig file, or the default order of kubectl and of Pods when it is absent. */
export interface ClusterAddress {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
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
/** Below the 60 s after which common load balancers cut an idle connection. */
const TCP_KEEP_ALIVE_MS = 30_000;

/**
 * Connects to the API server that the kubeconfig names. @kubernetes/client-node reads kubeconfigs and supplies credentials;
 * requests go through one HTTP/1.1 pool, because the client opens a connection for each (docs/adr/0003-transport.md).
 * @throws ClusterError `Unreachable` when no cluster is configured.
 */
export async function connect(address: ClusterAddress = {}): Promise<Transport> {
  const config = load(address);
  const server = serverOf(config);
  const tls = tlsOptions(await httpsOptions(config));
  let identify = identity(config);
  const agentOptions = {
    allowH2: false,
    connect: { ...tls, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
    headersTimeout: 60_000,
  };
  const pool = new Agent({ ...agentOptions, connections: 32, pipelining: 1 });
  const watches = new Agent({ ...agentOptions, bodyTimeout: 0 });

  async function send(agent: Agent, { method, path, body, contentType, accept, what, signal }: ApiRequest) {
    const headers: Record<string, string> = {
      accept: accept ?? 'application/json',
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
    identify = identity(load(address));
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
        throw unreachable(server, apiRequest.what, error);
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

function load({ kubeconfig, context }: ClusterAddress): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new ClusterError(
      'Unreachable',
      `Could not read the kubeconfig ${kubeconfig ?? '(default)'}: ${words(error)}`,
      {
        cause: error,
      },
    );
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const known = config.getContexts().map(({ name }) => name);
      throw new ClusterError(
        'Unreachable',
        `The kubeconfig has no context ${context}; it has ${known.join(', ') || 'none'}`,
      );
    }
    config.setCurrentContext(context);
  }
  return config;
}

function serverOf(config: KubeConfig): string {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new ClusterError('Unreachable', 'The kubeconfig names no current cluster: set a context');
  if (cluster.proxyUrl !== undefined && cluster.proxyUrl !== '') {
    throw new ClusterError('Unreachable', 'The kubeconfig has a proxy-url, which is not supported');
  }
  return cluster.server;
}

async function httpsOptions(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  // client-node refuses plain http unless TLS verification is off; only loopback proxies have a reason to use it.
  await config.applyToHTTPSOptions(options);
  return options;
}

function tlsOptions({ ca, cert, key, pfx, passphrase, servername, rejectUnauthorized }: RequestOptions) {
  const given = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** How long credentials are used before client-node is asked again: it reads files and builds agents each time it is. */
const CREDENTIALS_MS = 10_000;

/** The headers that identify us, kept fresh: token files and exec plugins rotate. */
function identity(config: KubeConfig): () => Promise<Record<string, string>> {
  let known: Promise<Record<string, string>> | undefined;
  let readAt = 0;
  return () => {
    if (known === undefined || performance.now() - readAt > CREDENTIALS_MS) {
      readAt = performance.now();
      known = httpsOptions(config).then(identifyingHeaders);
      known.catch(() => (known = undefined));
    }
    return known;
  };
}

function identifyingHeaders({ headers, auth }: RequestOptions): Record<string, string> {
  const basic = typeof auth === 'string' ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  const given = Object.entries((headers ?? {}) as Record<string, string>);
  return { ...basic, ...Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value.trim()])) };
}

function unreachable(server: string, what: string, error: unknown): ClusterError {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new ClusterError('Timeout', `Could not ${what}: no answer from ${server} in time`, { cause: error });
  }
  return new ClusterError('Unreachable', `Could not ${what}: ${server} cannot be reached: ${words(error)}`, {
    cause: error,
  });
}

/** What an error says; undici wraps the system's words in a cause. */
function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' && error.cause !== undefined ? words(error.cause) : error.message;
}
