import type { Desired } from '../website/children/kind.ts';
import type { Child, ChildKind, ChildOfKind } from '../website/children/kinds.ts';
import type { Pod } from '../website/pods/pod.ts';
import type { Website, WebsiteKey } from '../website/resource.ts';
import type { Announcement } from '../website/status/transition.ts';

/**
 * What reconciling needs from a cluster. If the cluster lacks the API of an optional kind, reads find no object of that kind. Reads
 * return the latest state, or a cached one where `since` allows it. Methods throw a `ClusterError` when they fail.
 */
export interface Cluster {
  /**
   * Undefined if there is no Website of this name.
   * @param since a resourceVersion. The API server may return a cached Website of this version or a newer one.
   */
  getWebsite(key: WebsiteKey, since?: string): Promise<Website | undefined>;
  /**
   * Finds the child by its name alone, and does not check its owner. Undefined if there is no object of this name.
   * @param from `cache`: the API server may return a child as it was some time ago.
   */
  getChild<Kind extends ChildKind>(kind: Kind, key: WebsiteKey, from?: 'cache'): Promise<ChildOfKind<Kind> | undefined>;
  /**
   * @throws `AlreadyExists` if there is an object of this name: creation never overwrites.
   * @throws `MissingApi` if the cluster lacks the optional API of this kind.
   */
  create(child: Desired<Child>): Promise<Child>;
  /** @throws `Conflict` unless the stored child has the uid and resourceVersion of `child`. */
  replace(child: Child): Promise<Child>;
  /** A dry run of `replace`: returns what it would store, after all policies and webhooks. @throws like `replace`. */
  rehearse(child: Child): Promise<Child>;
  /** Deletes exactly the child that was read, by uid and resourceVersion. @throws like `replace`, and `NotFound` if it is gone. */
  delete(child: Child): Promise<void>;
  /**
   * Writes only `spec.replicas`, through the scale subresource. @throws `Conflict` unless the stored Website has the resourceVersion of
   * `website`.
   */
  scale(website: Website, replicas: number): Promise<void>;
  /** Writes only the status. @throws `Conflict` unless the stored Website has the resourceVersion of `website`. */
  updateStatus(website: Website): Promise<Website>;
  /** A dry run of `updateStatus`: returns what it would store, after all policies and webhooks. @throws like `updateStatus`. */
  rehearseStatus(website: Website): Promise<Website>;
  /** Creates a Kubernetes Event about the Website. It never throws, because nothing depends on Events. */
  announce(website: Website, announcement: Announcement): Promise<void>;
  /**
   * Some of the Pods with these labels, 50 at most.
   * @throws `Forbidden` if the functions lack this right, which is optional.
   */
  listPods(namespace: string, labels: Readonly<Record<string, string>>): Promise<readonly Pod[]>;
  /** All Websites, in pages, ordered by `namespace/name`. Objects of a list have no `managedFields`. */
  listWebsites(): AsyncIterable<readonly Website[]>;
  /** All children of one kind that carry our label, in pages and in the same order. */
  listChildren<Kind extends ChildKind>(kind: Kind): AsyncIterable<readonly ChildOfKind<Kind>[]>;
}
