import { ClusterError, TOO_LARGE_VERSION, type ErrorCode } from '../../functions/cluster/errors.ts';
import type { Places } from '../../functions/cluster/places.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import type { ObjectMeta } from '../../functions/website/resource.ts';
import { delayMs, type Backoff } from './backoff.ts';
import { follow, InterruptedError, type FollowLimits } from './follow.ts';
import { InvalidLineError } from './lines.ts';
import { list } from './list.ts';

/** What is watched: all objects of one resource, in one namespace or in all. */
export interface Resource {
  /** The plural, as in RBAC: `websites`. */
  readonly name: string;
  /** `/apis/GROUP/VERSION` or `/api/v1`. */
  readonly prefix: string;
  readonly namespace?: string | undefined;
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

/**
 * Why all objects are read, again or for the first time.
 * - `expired`: the API server no longer has the changes since our version.
 * - `closed-at-once`: some servers drop an expired version without a word.
 * - `went-backwards`: a version older than one before it; etcd may have been restored.
 * - `outage`: the API server was away long enough to have been put back to an older state.
 * - `unreadable`: a line of the watch that is not JSON, or not an event.
 * - `refused`: an answer that says nothing of the version, 403 for one.
 */
export const LIST_REASONS = [
  'start',
  'expired',
  'closed-at-once',
  'went-backwards',
  'outage',
  'unreadable',
  'refused',
] as const;
export type ListReason = (typeof LIST_REASONS)[number];

/** Where a watch stands. */
export type State =
  /** Reads all objects, in pages. To `watching`; on any error, an expired page among them, to `waiting` and again. */
  | { readonly name: 'listing'; readonly reason: ListReason }
  /**
   * Follows the changes since a version. Closed by the server, silent or open for too long: `watching` from the last
   * version. On an error, to `waiting`, and then again from the last version where the error says nothing against it. Where
   * it does, to `waiting` and then to `listing`.
   */
  | { readonly name: 'watching'; readonly resourceVersion: string; readonly emptyCloses: number }
  /** Waits out a backoff, then goes on to `next`. */
  | { readonly name: 'waiting'; readonly delayMs: number; readonly why: string; readonly next: State };

/** What time and chance are to a watch; tests have their own. */
export interface Surroundings {
  readonly random: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface WatchOptions extends FollowLimits {
  readonly resource: Resource;
  readonly transport: Transport;
  readonly observer: Observer;
  readonly surroundings: Surroundings;
  /** Told of every state that is entered, for health, metrics and logs. */
  readonly entered: (state: State) => void;
  /** Told whenever the API server gave something: a page, an open watch, a line of it. */
  readonly progressed?: () => void;
  /** Most objects in a page of a list. */
  readonly pageSize?: number;
  /** For pages of lists, shared by all watches of a process. */
  readonly places: Places;
}

const BACKOFF: Backoff = { baseMs: 200, capMs: 30_000 };
/** As many failures in a row, a second or more, are no hiccup: an API server that comes back may be another one. */
const OUTAGE_FAILURES = 4;

/** Lists and watches until the signal aborts. It ends for no other reason, and never throws. */
export async function watch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  let state: State = { name: 'listing', reason: 'start' };
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
      const delay = delayMs(BACKOFF, failures, options.surroundings.random(), retryAfter(error));
      const why = error instanceof Error ? error.message : String(error);
      state = { name: 'waiting', delayMs: delay, why, next: resumption(state, error, failures) };
    }
  }
}

async function enter(state: State, options: WatchOptions, signal: AbortSignal): Promise<State> {
  switch (state.name) {
    case 'listing':
      return { name: 'watching', resourceVersion: await list(options, signal), emptyCloses: 0 };
    case 'watching':
      return follow(state, options, signal);
    case 'waiting':
      await options.surroundings.wait(state.delayMs, signal);
      return state.next;
  }
}

const retryAfter = (error: unknown): number | undefined =>
  error instanceof ClusterError || error instanceof InterruptedError ? error.retryAfterSeconds : undefined;

/** Where to go when the wait is over. */
function resumption(state: State, error: unknown, failures: number): State {
  if (error instanceof InterruptedError) return error.next;
  // A list that failed is void, and goes on for the reason it had.
  if (state.name !== 'watching') return state;
  const reason = listReason(error, failures);
  return reason === undefined ? { ...state, emptyCloses: 0 } : { name: 'listing', reason };
}

/** It may be the same API server that comes back, at the version that it had. */
const AWAY: ReadonlySet<ErrorCode> = new Set(['Unreachable', 'Unavailable', 'Timeout']);

/** Nothing where the error says nothing against going on from the last version. */
function listReason(error: unknown, failures: number): ListReason | undefined {
  if (error instanceof InvalidLineError) return 'unreadable';
  if (!(error instanceof ClusterError)) return 'refused';
  if (error.code === 'TooManyRequests') return undefined;
  // A version that it has not come to yet, one from before a restore, is answered with a time-out of its own.
  if (error.code === 'Timeout' && error.message.includes(TOO_LARGE_VERSION)) return 'outage';
  // Any other time-out says that the API server is short of time, and a list would take more of it.
  if (AWAY.has(error.code)) return failures < OUTAGE_FAILURES ? undefined : 'outage';
  return error.code === 'Gone' ? 'expired' : 'refused';
}
