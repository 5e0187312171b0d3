import * as z from 'zod';
import { requestFor } from '../../../functions/cluster/collection.ts';
import { waitSeconds } from '../../../functions/cluster/refusals.ts';
import { isOlder } from '../../../functions/cluster/resource-version.ts';
import { InvalidLineError, jsonLines } from './lines.ts';
import { selected } from './list.ts';
import type { Observer, WatchedObject } from './observer.ts';
import type { Resource, State, WatchOptions } from './state.ts';

const SILENCE_MS = 90_000;
/** The server closes each watch after a random time in this range, so that the watches do not reconnect all at once. */
const SERVER_SECONDS = { least: 240, most: 480 };
/** We close the watch ourselves if the server exceeds its own timeout by this factor. */
const DEADLINE_FACTOR = 1.1;
/** A watch that closes this soon without a change did not work. Some servers close a watch like this if its version expired. */
const AT_ONCE_MS = 1_000;
const EMPTY_CLOSES = 3;

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
      // An invalid field counts as absent, so that the line is still an error.
      code: z.number().optional().catch(undefined),
      reason: z.string().optional().catch(undefined),
      details: z.object({ retryAfterSeconds: waitSeconds }).optional().catch(undefined),
    }),
  }),
]);
type Line = z.output<typeof line>;
type ServerError = Extract<Line, { type: 'ERROR' }>['object'];
type Watching = Extract<State, { name: 'watching' }>;

/** A watch ended with an error after the server had accepted it. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  /** The state to enter after the wait. */
  readonly next: State;
  /** Whether the watch delivered changes, or lasted long enough to count as working. Then the backoff starts afresh. */
  readonly hadWorked: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, { next, hadWorked, retryAfterSeconds }: Interruption) {
    super(message);
    this.next = next;
    this.hadWorked = hadWorked;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

type Interruption = Pick<InterruptedError, 'next' | 'hadWorked'> & Partial<Pick<InterruptedError, 'retryAfterSeconds'>>;

/**
 * Follows the changes since a version, until the connection ends.
 * @throws ClusterError if the watch cannot be opened.
 * @throws InterruptedError if the server reports an error, goes back to an older version or keeps closing the watch.
 * @throws InvalidLineError if a line is not an event.
 */
export async function follow(state: Watching, options: WatchOptions, signal: AbortSignal): Promise<State> {
  const started = performance.now();
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), options.silenceMs ?? SILENCE_MS);
  let last = state.resourceVersion;
  let changes = 0;
  let arrivedAt = 0;
  const arrived = () => {
    arrivedAt = performance.now();
  };
  const hadWorked = () => changes > 0 || performance.now() - started > AT_ONCE_MS;
  try {
    const stream = await open(state.resourceVersion, options, AbortSignal.any([signal, silence.signal]));
    options.progressed?.();
    for await (const event of events(stream, arrived)) {
      timer.refresh();
      options.progressed?.();
      if (event.type === 'ERROR') throw serverError(event.object, last, hadWorked());
      const { resourceVersion } = event.object.metadata;
      if (isOlder(resourceVersion, last)) throw wentBackwards(options.resource, hadWorked());
      notify(options.observer, event.type, event.object);
      last = resourceVersion;
      if (event.type === 'BOOKMARK') continue;
      changes++;
      options.handled?.(performance.now() - arrivedAt);
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
  const { path, what } = requestFor(resource, 'watch');
  return transport.stream({
    method: 'GET',
    path: `${path}?${new URLSearchParams(query).toString()}`,
    what,
    signal: AbortSignal.any([signal, deadline]),
  });
}

function afterEmptyClose(state: Watching, { name }: Resource): State {
  const emptyCloses = state.emptyCloses + 1;
  if (emptyCloses < EMPTY_CLOSES) return { ...state, emptyCloses };
  const message = `The API server closed the watch of ${name} immediately, ${emptyCloses} times in a row`;
  throw new InterruptedError(message, { next: { name: 'listing', reason: 'closed-at-once' }, hadWorked: false });
}

const watching = (resourceVersion: string): State => ({ name: 'watching', resourceVersion, emptyCloses: 0 });

/** Ends the stream when the connection breaks or we abort it for silence. The changes received so far are valid. */
async function* untilBroken(stream: AsyncIterable<Uint8Array>, arrived: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) {
      arrived();
      yield chunk;
    }
  } catch {}
}

async function* events(stream: AsyncIterable<Uint8Array>, arrived: () => void): AsyncGenerator<Line> {
  for await (const value of jsonLines(untilBroken(stream, arrived))) {
    const parsed = line.safeParse(value);
    if (!parsed.success) throw new InvalidLineError('The API server sent a line that is not a watch event');
    yield parsed.data;
  }
}

function notify(observer: Observer, type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', object: WatchedObject): void {
  if (type === 'DELETED') observer.deleted(object);
  else if (type !== 'BOOKMARK') observer.changed(object);
}

const wentBackwards = ({ name }: Resource, hadWorked: boolean): InterruptedError =>
  new InterruptedError(`The API server sent an older version than before in the watch of ${name}`, {
    next: { name: 'listing', reason: 'went-backwards' },
    hadWorked,
  });

/** An expired version needs a new list. Even that list waits for the backoff, because the next watch may fail in the same way. */
function serverError({ code, reason, details }: ServerError, last: string, hadWorked: boolean): InterruptedError {
  const isExpired = code === 410 || reason === 'Expired' || reason === 'Gone';
  return new InterruptedError(`The API server ended the watch: ${reason ?? code ?? 'unknown'}`, {
    next: isExpired ? { name: 'listing', reason: 'expired' } : watching(last),
    hadWorked,
    retryAfterSeconds: details?.retryAfterSeconds,
  });
}
