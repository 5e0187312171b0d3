import type { ObjectMeta } from '../../../functions/website/resource.ts';

/** The fields that objects of every resource have. */
export interface WatchedObject {
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** Receives the objects and changes that a watch reads. Its methods must return at once, so they never send anything. */
export interface Observer {
  /** A list starts. It replaces an earlier list that did not end. */
  listStarted(): void;
  listed(object: WatchedObject): void;
  /** The list is complete: objects that it did not contain no longer exist. */
  listEnded(): void;
  changed(object: WatchedObject): void;
  deleted(object: WatchedObject): void;
}
