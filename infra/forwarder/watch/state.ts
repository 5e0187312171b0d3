import type { ErrorCode } from '../../../functions/cluster/errors.ts';
import type { Places } from '../../../functions/cluster/places.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import type { Observer } from './observer.ts';

/** What to watch: all objects of one resource, in one namespace or in all of them. */
export interface Resource {
  /** The plural, as in RBAC: `websites`. */
  readonly name: string;
  /** `/apis/GROUP/VERSION` or `/api/v1`. */
  readonly prefix: string;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** The cluster may lack this API. Then there is nothing to watch until it is installed. */
  readonly isOptional?: boolean;
}

/**
 * Why the watch lists all objects.
 * - `expired`: the API server no longer has the changes since our version.
 * - `closed-at-once`: the API server kept closing the watch immediately. Some servers do so for an expired version.
 * - `went-backwards`: a version was older than the previous one. etcd may have been restored.
 * - `outage`: the API server was away long enough to have been restored to an older state.
 * - `unreadable`: a line of the watch was not JSON, or not an event.
 * - `absent`: the cluster lacked the API before.
 * - `refused`: the API server refused the watch for another reason, for example with 403.
 */
export const LIST_REASONS = [
  'start',
  'expired',
  'closed-at-once',
  'went-backwards',
  'outage',
  'unreadable',
  'absent',
  'refused',
] as const;
export type ListReason = (typeof LIST_REASONS)[number];

/** The state machine of a watch. */
export type State =
  /**
   * Reads all objects, in pages.
   * - Complete: to `watching`.
   * - The cluster lacks this API, and need not have it: to `absent`.
   * - Any other error, an expired page included: to `waiting`, then to `listing`.
   */
  | { readonly name: 'listing'; readonly reason: ListReason }
  /**
   * Follows the changes since a version.
   * - Closed by the server, silent for too long, or open for too long: to `watching` from the last version.
   * - An error that leaves the last version usable: to `waiting`, then to `watching` from that version.
   * - Any other error: to `waiting`, then to `listing`.
   */
  | { readonly name: 'watching'; readonly resourceVersion: string; readonly emptyCloses: number }
  /** Waits, then enters `listing` to see whether the API is installed. */
  | { readonly name: 'absent'; readonly delayMs: number }
  /** Waits for a backoff, then enters `next`. */
  | {
      readonly name: 'waiting';
      readonly delayMs: number;
      readonly why: string;
      /** If the API server refused the request, or did not answer. */
      readonly code?: ErrorCode | undefined;
      readonly next: State;
    };

/** Randomness and waiting. Tests pass their own. */
export interface Surroundings {
  readonly random: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How long one watch request may last. */
export interface FollowLimits {
  /** The API server sends a bookmark about once a minute, so a connection that is silent for longer is dead. */
  readonly silenceMs?: number;
  /** Bounds of the random `timeoutSeconds` that we send to the API server. */
  readonly serverSeconds?: { readonly least: number; readonly most: number };
}

export interface WatchOptions extends FollowLimits {
  readonly resource: Resource;
  readonly transport: Transport;
  readonly observer: Observer;
  readonly surroundings: Surroundings;
  /** Called on every state change, for health, metrics and logs. */
  readonly entered: (state: State) => void;
  /** Called whenever the API server sends something: a page of a list, the response to a watch, a line of it. */
  readonly progressed?: () => void;
  /** Called for each change of a watch, with the time since its last bytes were read. */
  readonly handled?: (ms: number) => void;
  /** Maximum number of objects in a page of a list. */
  readonly pageSize?: number;
  /** Limits how many pages all watches of the process read at the same time. */
  readonly places: Places;
}
