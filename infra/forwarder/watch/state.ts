import type { Places } from '../../../functions/cluster/places.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import type { Observer } from './observer.ts';

/** What is watched: all objects of one resource, in one namespace or in all. */
export interface Resource {
  /** The plural, as in RBAC: `websites`. */
  readonly name: string;
  /** `/apis/GROUP/VERSION` or `/api/v1`. */
  readonly prefix: string;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
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

/** How long one request of a watch may last. */
export interface FollowLimits {
  /** The API server sends a bookmark about once a minute: longer silence is a dead connection. */
  readonly silenceMs?: number;
  /** How long the server is asked to keep a watch open. */
  readonly serverSeconds?: { readonly least: number; readonly most: number };
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
