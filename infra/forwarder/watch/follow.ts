import * as z from 'zod';
import { waitSeconds } from '../../../functions/cluster/errors.ts';
import { isOlder } from '../../../functions/cluster/resource-version.ts';
import { InvalidLineError, jsonLines } from './lines.ts';
import { of, selected } from './list.ts';
import type { Observer, WatchedObject } from './observer.ts';
import type { Resource, State, WatchOptions } from './state.ts';

const SILENCE_MS = 90_000;
/** The server closes a watch after this long, each at another time, so that they do not all come back together. */
const SERVER_SECONDS = { least: 240, most: 480 };
/** A server that has not closed it by then never will: we do, a little later than it should have. */
const DEADLINE_FACTOR = 1.1;
/** A watch that ends this soon, without a change, did not work: some servers drop an expired version without a word. */
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
      // What cannot be read of it counts as absent: the error stays one.
      code: z.number().optional().catch(undefined),
      reason: z.string().optional().catch(undefined),
      details: z.object({ retryAfterSeconds: waitSeconds }).optional().catch(undefined),
    }),
  }),
]);
type Line = z.output<typeof line>;
type ServerError = Extract<Line, { type: 'ERROR' }>['object'];
type Watching = Extract<State, { name: 'watching' }>;

/** A watch that was open and cannot go on as it was; it knows how far it came. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  /** Where to go after the wait. */
  readonly next: State;
  /** Whether there were changes before, or time enough for them: then this is not one more failure of the same kind. */
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
 * @throws ClusterError when it cannot be opened, InterruptedError or InvalidLineError when what comes is not a watch.
 */
export async function follow(state: Watching, options: WatchOptions, signal: AbortSignal): Promise<State> {
  const started = performance.now();
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), options.silenceMs ?? SILENCE_MS);
  let last = state.resourceVersion;
  let changes = 0;
  const hadWorked = () => changes > 0 || performance.now() - started > AT_ONCE_MS;
  try {
    const stream = await open(state.resourceVersion, options, AbortSignal.any([signal, silence.signal]));
    options.progressed?.();
    for await (const event of events(stream)) {
      timer.refresh();
      options.progressed?.();
      if (event.type === 'ERROR') throw serverError(event.object, last, hadWorked());
      const { resourceVersion } = event.object.metadata;
      if (isOlder(resourceVersion, last)) throw wentBackwards(options.resource, hadWorked());
      tell(options.observer, event.type, event.object);
      last = resourceVersion;
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
  const { path, what } = of(resource, 'watch');
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
  const message = `The watch of ${name} was closed at once ${emptyCloses} times`;
  throw new InterruptedError(message, { next: { name: 'listing', reason: 'closed-at-once' }, hadWorked: false });
}

const watching = (resourceVersion: string): State => ({ name: 'watching', resourceVersion, emptyCloses: 0 });

/** A connection that breaks, by itself or by us for its silence, ends: what came over it is good. */
async function* untilBroken(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch {}
}

async function* events(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
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

const wentBackwards = ({ name }: Resource, hadWorked: boolean): InterruptedError =>
  new InterruptedError(`The watch of ${name} went back to an older version`, {
    next: { name: 'listing', reason: 'went-backwards' },
    hadWorked,
  });

/** An expired version cannot be gone on from. It is waited out like all else: a list may be followed by the same again. */
function serverError({ code, reason, details }: ServerError, last: string, hadWorked: boolean): InterruptedError {
  const isExpired = code === 410 || reason === 'Expired' || reason === 'Gone';
  return new InterruptedError(`The API server ended the watch: ${reason ?? code ?? 'unknown'}`, {
    next: isExpired ? { name: 'listing', reason: 'expired' } : watching(last),
    hadWorked,
    retryAfterSeconds: details?.retryAfterSeconds,
  });
}
