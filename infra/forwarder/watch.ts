import { z } from 'zod';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import type { ObjectMeta } from '../../functions/website/resource.ts';
import { delayMs, type Backoff } from './backoff.ts';
import { InvalidLineError, jsonLines } from './lines.ts';

/** What is watched: all objects of one resource, in all namespaces. */
export interface Resource {
  /** The plural, as in RBAC: `websites`. */
  readonly name: string;
  /** `/apis/GROUP/VERSION` or `/api/v1`. */
  readonly prefix: string;
  readonly labelSelector?: string;
}

/** As much of an object as every resource has. */
export interface WatchedObject {
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** What a watch tells. It must return at once: nothing is sent on the watch's own loop. */
export interface Observer {
  /** A list begins; one that began before and did not end is void. */
  listStarted(): void;
  listed(object: WatchedObject): void;
  /** The list is complete: what it did not name is gone. */
  listEnded(): void;
  changed(object: WatchedObject): void;
  deleted(object: WatchedObject): void;
}

/** Where a watch stands. */
export type State =
  /** Reads all objects, in pages. To `watching`; on any error, an expired page among them, to `waiting` and again. */
  | { readonly name: 'listing' }
  /**
   * Follows the changes since a version. Closed by the server, silent or open for too long: `watching` from the last
   * version. On an error, to `waiting`, and then again from the last version where the error says nothing against it. Where
   * it does (expired, unreadable, or closed at once `EMPTY_CLOSES` times), to `waiting` and then to `listing`.
   */
  | { readonly name: 'watching'; readonly resourceVersion: string; readonly emptyCloses: number }
  /** Waits out a backoff, then goes on to `next`. */
  | { readonly name: 'waiting'; readonly delayMs: number; readonly why: string; readonly next: State };

/** What time and chance are to a watch; tests have their own. */
export interface Surroundings {
  readonly random: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface WatchOptions {
  readonly resource: Resource;
  readonly transport: Transport;
  readonly observer: Observer;
  readonly surroundings: Surroundings;
  /** Told of every state that is entered, for health and logs. */
  readonly entered: (state: State) => void;
  /** The API server sends a bookmark about once a minute: longer silence is a dead connection. */
  readonly silenceMs?: number;
  /** How long the server is asked to keep a watch open. */
  readonly serverSeconds?: { readonly least: number; readonly most: number };
  /** Objects in a page of a list. */
  readonly pageSize?: number;
}

const PAGE = 500;
const LIST_TIMEOUT_MS = 60_000;
const SILENCE_MS = 90_000;
/** The server closes a watch after this long, each at another time, so that they do not all come back together. */
const SERVER_SECONDS = { least: 240, most: 480 };
/** A server that has not closed it by then never will: we do, a little later than it should have. */
const DEADLINE_FACTOR = 1.1;
const BACKOFF: Backoff = { baseMs: 200, capMs: 30_000 };
/** A watch that ends this soon, without a change, did not work: some servers drop an expired version without a word. */
const AT_ONCE_MS = 1_000;
const EMPTY_CLOSES = 3;

const page = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.custom<WatchedObject>((item) => typeof item === 'object' && item !== null)),
});

const line = z.discriminatedUnion('type', [
  z.object({
    type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']),
    object: z.custom<WatchedObject>(
      (value) => typeof (value as WatchedObject | null)?.metadata?.resourceVersion === 'string',
    ),
  }),
  z.object({
    type: z.literal('ERROR'),
    object: z.object({
      code: z.number().optional(),
      reason: z.string().optional(),
      details: z.object({ retryAfterSeconds: z.number().optional() }).optional(),
    }),
  }),
]);
type ServerError = Extract<z.output<typeof line>, { type: 'ERROR' }>['object'];

/** Lists and watches until the signal aborts. It ends for no other reason, and never throws. */
export async function watch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  let state: State = { name: 'listing' };
  let failures = 0;
  while (!signal.aborted) {
    options.entered(state);
    try {
      const from = state;
      state = await enter(state, options, signal);
      // Only a watch that worked shows that all is well: a list may succeed for ever before one that does not.
      if (from.name === 'watching' && state.name === 'watching' && state.emptyCloses === 0) failures = 0;
    } catch (error) {
      if (error instanceof InterruptedError && error.hadWorked) failures = 0;
      failures++;
      state = afterError(state, error, delayMs(BACKOFF, failures, options.surroundings.random(), retryAfter(error)));
    }
  }
}

async function enter(state: State, options: WatchOptions, signal: AbortSignal): Promise<State> {
  switch (state.name) {
    case 'listing':
      return list(options, signal);
    case 'watching':
      return follow(state, options, signal);
    case 'waiting':
      await options.surroundings.wait(state.delayMs, signal);
      return state.next;
  }
}

const retryAfter = (error: unknown): number | undefined =>
  error instanceof ClusterError || error instanceof InterruptedError ? error.retryAfterSeconds : undefined;

/** These say that the API server could not answer, and nothing about the version that we asked for. */
const RESUMABLE: ReadonlySet<string> = new Set(['Unreachable', 'Unavailable', 'TooManyRequests']);

function afterError(state: State, error: unknown, delay: number): State {
  const why = error instanceof Error ? error.message : String(error);
  return { name: 'waiting', delayMs: delay, why, next: resumption(state, error) };
}

function resumption(state: State, error: unknown): State {
  if (error instanceof InterruptedError) return error.next;
  const resumes = state.name === 'watching' && error instanceof ClusterError && RESUMABLE.has(error.code);
  return resumes ? { ...state, emptyCloses: 0 } : { name: 'listing' };
}

interface Interruption {
  /** Where to go after the wait. */
  readonly next: State;
  /** Whether there were changes before, or time enough for them: then this is not one more failure of the same kind. */
  readonly hadWorked: boolean;
  readonly retryAfterSeconds?: number | undefined;
}

/** A watch that was open and cannot go on; it knows how far it came. */
class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly next: State;
  readonly hadWorked: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, { next, hadWorked, retryAfterSeconds }: Interruption) {
    super(message);
    this.next = next;
    this.hadWorked = hadWorked;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Never `resourceVersion=0`: a cache that lags could say that objects are gone which are not. */
async function list(
  { resource, transport, observer, pageSize = PAGE }: WatchOptions,
  signal: AbortSignal,
): Promise<State> {
  observer.listStarted();
  let token: string | undefined = '';
  let resourceVersion = '';
  while (token !== undefined) {
    const query: Record<string, string> = { ...selected(resource), limit: String(pageSize) };
    if (token !== '') query['continue'] = token;
    const body = await transport.json({ ...get(resource, query, 'list'), timeoutMs: LIST_TIMEOUT_MS, signal });
    const { items, metadata } = page.parse(body);
    for (const item of items) observer.listed(item);
    resourceVersion = metadata.resourceVersion;
    token = metadata.continue === '' ? undefined : metadata.continue;
  }
  observer.listEnded();
  return { name: 'watching', resourceVersion, emptyCloses: 0 };
}

async function follow(
  state: Extract<State, { name: 'watching' }>,
  options: WatchOptions,
  signal: AbortSignal,
): Promise<State> {
  const started = performance.now();
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), options.silenceMs ?? SILENCE_MS);
  let last = state.resourceVersion;
  let changes = 0;
  const hadWorked = () => changes > 0 || performance.now() - started > AT_ONCE_MS;
  try {
    const stream = await open(state.resourceVersion, options, AbortSignal.any([signal, silence.signal]));
    for await (const event of events(stream)) {
      timer.refresh();
      if (event.type === 'ERROR') throw serverError(event.object, last, hadWorked());
      tell(options.observer, event.type, event.object);
      last = event.object.metadata.resourceVersion;
      if (event.type !== 'BOOKMARK') changes++;
    }
  } finally {
    clearTimeout(timer);
  }
  return hadWorked() ? watching(last) : afterEmptyClose({ ...state, resourceVersion: last }, options.resource);
}

function open(
  resourceVersion: string,
  { resource, transport, surroundings, serverSeconds = SERVER_SECONDS }: WatchOptions,
  signal: AbortSignal,
) {
  const seconds = serverSeconds.least + surroundings.random() * (serverSeconds.most - serverSeconds.least);
  const timeoutSeconds = String(Math.round(seconds));
  const query = { ...selected(resource), watch: '1', allowWatchBookmarks: 'true', resourceVersion, timeoutSeconds };
  const deadline = AbortSignal.timeout(Math.round(seconds * DEADLINE_FACTOR * 1000));
  return transport.stream({ ...get(resource, query, 'watch'), signal: AbortSignal.any([signal, deadline]) });
}

function afterEmptyClose(state: Extract<State, { name: 'watching' }>, { name }: Resource): State {
  const emptyCloses = state.emptyCloses + 1;
  if (emptyCloses < EMPTY_CLOSES) return { ...state, emptyCloses };
  const message = `The watch of ${name} was closed at once ${emptyCloses} times`;
  throw new InterruptedError(message, { next: { name: 'listing' }, hadWorked: false });
}

const watching = (resourceVersion: string): State => ({ name: 'watching', resourceVersion, emptyCloses: 0 });

/** A connection that breaks, by itself or by us for its silence, ends: what came over it is good. */
async function* untilBroken(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch {}
}

async function* events(stream: AsyncIterable<Uint8Array>) {
  for await (const value of jsonLines(untilBroken(stream))) {
    const read = line.safeParse(value);
    if (!read.success) throw new InvalidLineError('A line of the watch is not an event');
    yield read.data;
  }
}

function tell(observer: Observer, type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', object: WatchedObject): void {
  if (type === 'DELETED') observer.deleted(object);
  else if (type !== 'BOOKMARK') observer.changed(object);
}

/** An expired version cannot be gone on from. It is waited out like all else: a list may be followed by the same again. */
function serverError({ code, reason, details }: ServerError, last: string, hadWorked: boolean): InterruptedError {
  const isExpired = code === 410 || reason === 'Expired' || reason === 'Gone';
  return new InterruptedError(`The API server ended the watch: ${reason ?? code ?? 'unknown'}`, {
    next: isExpired ? { name: 'listing' } : watching(last),
    hadWorked,
    retryAfterSeconds: details?.retryAfterSeconds,
  });
}

const selected = ({ labelSelector }: Resource): Record<string, string> =>
  labelSelector === undefined ? {} : { labelSelector };

const get = ({ name, prefix }: Resource, query: Record<string, string>, verb: string) =>
  ({
    method: 'GET',
    path: `${prefix}/${name}?${new URLSearchParams(query).toString()}`,
    what: `${verb} ${name}`,
  }) as const;
