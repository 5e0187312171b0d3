import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Concurrency, NoTurnError } from './concurrency.ts';
import { connectionsFor } from './connections.ts';
import { load, serverOf, unquoted, words, type ClusterAddress } from './credentials.ts';
import { ClusterError, errorOf, TOO_LARGE_VERSION } from './errors.ts';
import { AnswerTooLargeError, exchange, type Answer } from './exchange.ts';
import type { Material } from './material.ts';
import { CALL_MS } from './patience.ts';
import { Rotation } from './rotation.ts';
import { Troubles } from './troubles.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with its query. */
  readonly path: string;
  /** A value, or the text of its JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  /** The request in words, for the error message: `get websites shop in namespace a`. */
  readonly what: string;
  /** On the monotonic clock: it is not sent later than this. It waits for its turn for as long as for an answer when absent. */
  readonly startBy?: number;
  /** Few and small, and others wait for it: sent at once, however many calls wait for their turn. */
  readonly turn?: 'at once';
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
/** With the credentials of now, with those that were read again, and with the last that were accepted. */
const MOST_ATTEMPTS = 3;

/** One request, which may take several attempts until credentials are accepted. */
interface Attempts<Answered> {
  readonly send: (material: Material) => Promise<Answered>;
  readonly isRefused: (answer: Answered) => boolean;
  /** Done with an answer in whose place another is awaited. */
  readonly discard?: (answer: Answered) => Promise<unknown>;
}

/**
 * Connects to the API server that the kubeconfig names. @kubernetes/client-node reads kubeconfigs and supplies credentials;
 * requests go through one HTTP/1.1 pool, because the client opens a connection for each (docs/adr/0003-transport.md).
 * @throws ClusterError `Unreachable` when no cluster is configured.
 */
export async function connect(address: ClusterAddress = {}, troubles: Troubles = new Troubles()): Promise<Transport> {
  const rotation = new Rotation(address, troubles);
  const { server } = rotation;
  // A server may have a path of its own, behind a gateway.
  const { origin, pathname } = new URL(server);
  const prefix = pathname.replace(/\/$/, '');
  const connections = connectionsFor((await rotation.current()).tls);
  const concurrency = new Concurrency();

  function dispatched({ method, path, body, contentType }: ApiRequest, identity: Material['headers']) {
    const headers = {
      // The keys of ServiceAccounts' tokens are of a type of their own.
      accept: 'application/json, application/jwk-set+json',
      'user-agent': 'website-reconciler',
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
      ...identity,
    };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { origin, method, path: prefix + path, headers, body: text ?? null };
  }

  /** Tries with the credentials of now, and where they are refused, with what there is in their place. */
  async function signedIn<A>({ send, isRefused, discard }: Attempts<A>): Promise<A> {
    let material = await rotation.current();
    for (let attempts = 1; ; attempts++) {
      const answer = await send(material);
      if (!isRefused(answer)) {
        rotation.accept(material);
        return answer;
      }
      const next = attempts < MOST_ATTEMPTS ? await rotation.insteadOf(material) : undefined;
      // The same once more where there is nothing else: an API server may refuse for a moment what it takes again.
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

  /** The same for an answer that does not end. */
  const open = (apiRequest: ApiRequest): Promise<Dispatcher.ResponseData> => {
    const signal = apiRequest.signal ?? null;
    return signedIn({
      send: ({ tls, headers }) => connections.of(tls).watches.request({ ...dispatched(apiRequest, headers), signal }),
      isRefused: ({ statusCode }) => statusCode === 401,
      discard: ({ body }) => body.dump(),
    });
  };

  /** Sends it when its turn has come. */
  async function sendInTurn(apiRequest: ApiRequest): Promise<Answer> {
    if (apiRequest.turn === 'at once') return send(apiRequest);
    const turn = await concurrency.turn(apiRequest.startBy ?? performance.now() + CALL_MS, apiRequest.signal);
    let how: 'answered' | 'late' = 'answered';
    try {
      const answer = await send(apiRequest);
      if (isOverloaded(answer)) how = 'late';
      return answer;
    } catch (error) {
      if (isTimeout(error)) how = 'late';
      throw error;
    } finally {
      turn.end(how);
    }
  }

  async function sized(apiRequest: ApiRequest): Promise<Sized> {
    const { what } = apiRequest;
    const { status, headers, text, bytes } = await sendInTurn(apiRequest).catch((error: unknown) => {
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
      await connections.close();
    },
  };
}

/** Whether the API server had too much to do. A version that it never comes to is the fault of whoever named it. */
const isOverloaded = ({ status, text }: Answer): boolean =>
  status === 429 || (status === 504 && !text.includes(TOO_LARGE_VERSION));
const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';
const isGood = (status: number): boolean => status >= 200 && status < 300;
const first = (header: string | string[] | undefined): string | undefined => [header].flat()[0];

/** The same API server for one piece of work, which begins no call after `startBy`, on the monotonic clock. */
export const until = (transport: Transport, startBy: number): Transport => ({
  ...transport,
  json: (apiRequest) => transport.json({ ...apiRequest, startBy }),
  sized: (apiRequest) => transport.sized({ ...apiRequest, startBy }),
});

/**
 * Connects with the first request, and with the next one where that did not work.
 * @throws ClusterError `Unreachable` at once when the kubeconfig has no such cluster.
 */
export function connectLater(address: ClusterAddress, troubles: Troubles): Transport {
  let connection: Promise<Transport> | undefined;
  async function connected(): Promise<Transport> {
    connection ??= connect(address, troubles);
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

function unreachable(server: string, what: string, error: unknown): ClusterError {
  // Of the credentials: it says more.
  if (error instanceof ClusterError) return error;
  if (error instanceof AnswerTooLargeError)
    return new ClusterError('AnswerTooLarge', `Could not ${what}: ${error.message}`, { cause: error });
  if (error instanceof NoTurnError) {
    return new ClusterError('Timeout', `Could not ${what}: ${server} is busy with earlier calls`, { cause: error });
  }
  if (isTimeout(error)) {
    return new ClusterError('Timeout', `Could not ${what}: no answer from ${server} in time`, { cause: error });
  }
  return new ClusterError('Unreachable', `Could not ${what}: ${server} cannot be reached: ${words(error)}`, {
    cause: error,
  });
}
