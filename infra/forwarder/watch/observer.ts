import type { ObjectMeta } from '../../../functions/website/resource.ts';

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
