import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Concurrency, NoTurnError, type Load, type Turn } from './concurrency.ts';
import { connectionsFor } from './connections.ts';
import { messageOf, withoutQuotes } from './causes.ts';
import type { ClusterAddress } from './credentials/kubeconfig-source.ts';
import { ClusterError } from './errors.ts';
import { errorOf, TOO_LARGE_VERSION } from './refusals.ts';
import { AnswerTooLargeError, exchange, textWithin, type Answer } from './exchange.ts';
import type { Material } from './credentials/material.ts';
import { CALL_MS } from './patience.ts';
import { Rotation } from './credentials/rotation.ts';
import { sourceAt } from './credentials/source.ts';
import { Troubles } from './troubles.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The path with its query. */
  readonly path: string;
  /** A value, or its JSON text. */
  readonly body?: unknown;
  readonly contentType?: string;
  /** The media type of the answer, if not plain JSON. */
  readonly accept?: string | undefined;
  /** The request in words, for the error message: `get websites shop in namespace a`. Verb and resource come first, for the metrics. */
  readonly what: string;
  /** The latest time to send it, on the monotonic clock; `CALL_MS` from now if absent. */
  readonly startBy?: number;
  /** Skips the queue of calls. For few, small requests that others depend on. */
  readonly turn?: 'at once';
  /** The largest accepted answer, in bytes; `LARGEST_ANSWER` if absent. */
  readonly largest?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A parsed answer, with the size of its text. */
export interface Sized {
  readonly value: unknown;
  readonly bytes: number;
}

/** HTTP requests to one API server. */
export interface Transport {
  /** `https://host:port/path`, for messages. */
  readonly server: string;
  /** The namespace of the context, if it names one. */
  readonly namespace?: string | undefined;
  /**
   * Sends one request and parses the answer.
   * @throws ClusterError unless the answer is 2xx.
   */
  json(request: ApiRequest): Promise<unknown>;
  /** Like `json`, with the size of the answer. */
  sized(request: ApiRequest): Promise<Sized>;
  /**
   * Opens an endless response, for a watch. It has its own connection, so that it does not wait behind writes.
   * @throws ClusterError unless the answer is 2xx.
   */
  stream(request: ApiRequest): Promise<Readable>;
  close(): Promise<void>;
}

/** Reports how calls went, for metrics. */
export interface CallObserver {
  /** A call got its turn after this time, or gave up. */
  waited(ms: number): void;
  /** A call was sent and ended. Without an answer, it has no status. */
  ended(what: string, ms: number, status?: number): void;
}
const NO_OBSERVER: CallObserver = { waited() {}, ended() {} };

/** No object is larger, in bytes: etcd stores at most 1.5 MiB, and escaping in JSON turns one byte into at most six. */
export const LARGEST_ANSWER = 16 * 1024 * 1024;
/** One attempt each with the current credentials, with newly read ones, and with the last accepted ones. */
const MOST_ATTEMPTS = 3;

/** One request, which may need several attempts until the API server accepts the credentials. */
interface Attempts<Answered> {
  readonly send: (material: Material) => Promise<Answered>;
  readonly isRefused: (answer: Answered) => boolean;
  /** Releases the answer of a refused attempt. */
  readonly discard?: (answer: Answered) => Promise<unknown>;
}

/**
 * Connects to the API server that the kubeconfig names. @kubernetes/client-node reads the kubeconfig and supplies credentials.
 * Requests use our own HTTP/1.1 pool, because client-node opens a connection for each request (docs/adr/0003-transport.md).
 * @throws ClusterError `Unreachable` if no cluster is configured.
 */
export async function connect(
  address: ClusterAddress = {},
  troubles: Troubles = new Troubles(),
  observer: CallObserver = NO_OBSERVER,
): Promise<Transport> {
  const rotation = await Rotation.at(address, troubles);
  const { server, namespace } = rotation;
  // Behind a gateway, the server's URL may have a path.
  const { origin, pathname } = new URL(server);
  const prefix = pathname.replace(/\/$/, '');
  const connections = connectionsFor((await rotation.current()).tls);
  const concurrency = new Concurrency();
  let isClosed = false;

  function dispatched({ method, path, body, contentType, accept }: ApiRequest, identity: Material['headers']) {
    const headers = {
      // The keys that verify ServiceAccount tokens have their own media type.
      accept: accept ?? 'application/json, application/jwk-set+json',
      'user-agent': 'website-reconciler',
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
      ...identity,
    };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { origin, method, path: prefix + path, headers, body: text ?? null };
  }

  /** Sends with the current credentials. If the API server refuses them, it tries others. */
  async function signedIn<A>({ send, isRefused, discard }: Attempts<A>): Promise<A> {
    let material = await rotation.current();
    for (let attempts = 1; ; attempts++) {
      const answer = await send(material);
      if (!isRefused(answer)) {
        rotation.accept(material);
        return answer;
      }
      const next = attempts < MOST_ATTEMPTS ? await rotation.replacementFor(material) : undefined;
      // Without others, it tries the same credentials once more: an API server may refuse valid ones for a moment.
      if (next === undefined && attempts > 1) return answer;
      await discard?.(answer);
      material = next ?? material;
    }
  }

  const send = (apiRequest: ApiRequest): Promise<Answer> => {
    const { largest = LARGEST_ANSWER, signal } = apiRequest;
    const limits = { timeoutMs: CALL_MS, largest, signal };
    return signedIn({
      send: ({ tls, headers }) => exchange(connections.of(tls).requests, dispatched(apiRequest, headers), limits),
      isRefused: ({ status }) => status === 401,
    });
  };

  /** Like `send`, for an endless answer. */
  const open = (apiRequest: ApiRequest): Promise<Dispatcher.ResponseData> => {
    const signal = apiRequest.signal ?? null;
    return signedIn({
      send: ({ tls, headers }) => connections.of(tls).watches.request({ ...dispatched(apiRequest, headers), signal }),
      isRefused: ({ statusCode }) => statusCode === 401,
      discard: ({ body }) => body.dump(),
    });
  };

  async function turnFor({ method, path, startBy, signal }: ApiRequest): Promise<Turn> {
    const asked = performance.now();
    const group = method === 'GET' ? undefined : namespaceIn(path);
    try {
      return await concurrency.turn({ startBy: startBy ?? asked + CALL_MS, group, signal });
    } finally {
      observer.waited(performance.now() - asked);
    }
  }

  async function sendInTurn(apiRequest: ApiRequest): Promise<Answer> {
    if (apiRequest.turn === 'at once') return send(apiRequest);
    const turn = await turnFor(apiRequest);
    const start = performance.now();
    let status: number | undefined;
    let how: Load = 'failed';
    try {
      const answer = await send(apiRequest);
      status = answer.status;
      how = loadShownBy(apiRequest, answer);
      return answer;
    } catch (error) {
      // A caller that gave up sooner than `CALL_MS` says nothing about the load.
      if (isTimeout(error) && apiRequest.signal?.aborted !== true) how = 'late';
      throw error;
    } finally {
      turn.end(how);
      observer.ended(apiRequest.what, performance.now() - start, status);
    }
  }

  const unanswered = (what: string, error: unknown): ClusterError =>
    isClosed
      ? new ClusterError('Stopped', `Could not ${what}: the program stopped before the API server answered`)
      : unreachable(server, what, error);

  async function sized(apiRequest: ApiRequest): Promise<Sized> {
    const { what } = apiRequest;
    const { status, headers, text, bytes } = await sendInTurn(apiRequest).catch((error: unknown) => {
      throw unanswered(what, error);
    });
    if (!isGood(status)) throw errorOf(what, status, text, first(headers['retry-after']));
    try {
      return { value: JSON.parse(text), bytes };
    } catch (error) {
      throw unreachable(server, what, withoutQuotes(error));
    }
  }

  return {
    server,
    namespace,
    json: async (apiRequest) => (await sized(apiRequest)).value,
    sized,
    async stream(apiRequest) {
      const { what } = apiRequest;
      const { statusCode, headers, body } = await open(apiRequest).catch((error: unknown) => {
        throw unanswered(what, error);
      });
      if (isGood(statusCode)) return body;
      const text = await textWithin(LARGEST_ANSWER, body).catch(() => '');
      throw errorOf(what, statusCode, text, first(headers['retry-after']));
    },
    async close() {
      isClosed = true;
      await connections.close();
    },
  };
}

/** A 504 for a resourceVersion that the API server has not reached is no sign of its load, and neither is a webhook's own 429. */
export function loadShownBy(
  { method }: Pick<ApiRequest, 'method'>,
  { status, text }: Pick<Answer, 'status' | 'text'>,
): Load {
  if (status === 500) return 'failed';
  if (status === 429 && !text.includes('denied the request')) return 'late';
  if (status === 504 && !text.includes(TOO_LARGE_VERSION)) return 'late';
  return method === 'GET' ? 'read' : 'written';
}
/** The namespace in the path of an API request, if it has one. */
const namespaceIn = (path: string): string | undefined => /\/namespaces\/([^/?]+)\//.exec(path)?.[1];
const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';
const isGood = (status: number): boolean => status >= 200 && status < 300;
const first = (header: string | string[] | undefined): string | undefined => [header].flat()[0];

/** The same transport with a deadline: it sends no call after `startBy`, on the monotonic clock. */
export const until = (transport: Transport, startBy: number): Transport => ({
  ...transport,
  json: (apiRequest) => transport.json({ ...apiRequest, startBy }),
  sized: (apiRequest) => transport.sized({ ...apiRequest, startBy }),
});

/**
 * Connects on the first request. If that fails, the next request tries again.
 * @throws ClusterError `Unreachable` immediately if the kubeconfig has no such cluster.
 */
export async function connectLater(
  address: ClusterAddress,
  troubles: Troubles,
  observer?: CallObserver,
): Promise<Transport> {
  const { server } = await sourceAt(address);
  let connection: Promise<Transport> | undefined;
  async function connected(): Promise<Transport> {
    connection ??= connect(address, troubles, observer);
    try {
      return await connection;
    } catch (error) {
      connection = undefined;
      throw error;
    }
  }
  return {
    server,
    json: async (apiRequest) => (await connected()).json(apiRequest),
    sized: async (apiRequest) => (await connected()).sized(apiRequest),
    stream: async (apiRequest) => (await connected()).stream(apiRequest),
    close: async () => (await connection?.catch(() => undefined))?.close(),
  };
}

function unreachable(server: string, what: string, error: unknown): ClusterError {
  // Reading the credentials failed. That error is more precise.
  if (error instanceof ClusterError) return error;
  if (error instanceof AnswerTooLargeError)
    return new ClusterError('AnswerTooLarge', `Could not ${what}: ${error.message}`, { cause: error });
  if (error instanceof NoTurnError) {
    return new ClusterError('Timeout', `Could not ${what}: ${server} was busy with earlier calls until the deadline`, {
      cause: error,
    });
  }
  if (isTimeout(error)) {
    return new ClusterError('Timeout', `Could not ${what}: ${server} did not answer in time`, { cause: error });
  }
  return new ClusterError('Unreachable', `Could not ${what}: ${server} cannot be reached: ${messageOf(error)}`, {
    cause: error,
  });
}
