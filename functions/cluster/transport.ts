import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { connectionsFor } from './connections.ts';
import { load, serverOf, unquoted, words, type ClusterAddress } from './credentials.ts';
import { ClusterError, errorOf } from './errors.ts';
import { AnswerTooLargeError, exchange, type Answer } from './exchange.ts';
import type { Material } from './material.ts';
import { Rotation } from './rotation.ts';
import { Troubles } from './troubles.ts';

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
/** What there is, what is read anew, and what was good before. */
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

  function dispatched({ method, path, body, contentType }: ApiRequest, identity: Material['headers']) {
    const headers = {
      // The keys of ServiceAccounts' tokens are of a type of their own.
      accept: 'application/json, application/jwk-set+json',
      'user-agent': 'website-reconciler',
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
      ...identity,
    };
    return { origin, method, path: prefix + path, headers, body: body === undefined ? null : JSON.stringify(body) };
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
      if (next === undefined) return answer;
      await discard?.(answer);
      material = next;
    }
  }

  const send = (apiRequest: ApiRequest): Promise<Answer> => {
    const { timeoutMs = TIMEOUT_MS, largest = LARGEST_ANSWER, signal } = apiRequest;
    const limits = { timeoutMs, largest, signal };
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
      await connections.close();
    },
  };
}

const isGood = (status: number): boolean => status >= 200 && status < 300;
const first = (header: string | string[] | undefined): string | undefined => [header].flat()[0];

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
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new ClusterError('Timeout', `Could not ${what}: no answer from ${server} in time`, { cause: error });
  }
  return new ClusterError('Unreachable', `Could not ${what}: ${server} cannot be reached: ${words(error)}`, {
    cause: error,
  });
}
