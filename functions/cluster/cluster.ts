import type { Desired } from '../website/children/kind.ts';
import type { Child, ChildKind, ChildOfKind } from '../website/children/kinds.ts';
import type { Website, WebsiteKey } from '../website/resource.ts';
import type { Announcement } from '../website/transition.ts';

/**
 * What reconciling asks of a cluster. Every read is of the present state and never of a cache, but where `since` allows it.
 * Every method throws a `ClusterError` for what it cannot do.
 */
export interface Cluster {
  /**
   * Nothing when there is none of this name.
   * @param since a resourceVersion: the Website as it was then or at any time later will do.
   */
  getWebsite(key: WebsiteKey, since?: string): Promise<Website | undefined>;
  /** Nothing when the Website has no child of this kind. It is found by name, whoever owns it. */
  getChild<Kind extends ChildKind>(kind: Kind, key: WebsiteKey): Promise<ChildOfKind<Kind> | undefined>;
  /** @throws `AlreadyExists` when there is one of this name: creation never overwrites. */
  create(child: Desired<Child>): Promise<Child>;
  /** @throws `Conflict` unless the child is still there under the uid and resourceVersion that `child` carries. */
  replace(child: Child): Promise<Child>;
  /** What `replace` would come to, once policies and webhooks have seen it: nothing is written. @throws like `replace`. */
  rehearse(child: Child): Promise<Child>;
  /** Deletes just the child that was read: by uid and resourceVersion. @throws like `replace`, and `NotFound` when it is gone. */
  delete(child: Child): Promise<void>;
  /** Writes the status alone. @throws `Conflict` unless the Website still has the resourceVersion that `website` carries. */
  updateStatus(website: Website): Promise<Website>;
  /** Leaves a Kubernetes Event with the Website. It never throws: an Event is a courtesy. */
  announce(website: Website, announcement: Announcement): Promise<void>;
  /** All Websites, in pages. */
  listWebsites(): AsyncIterable<readonly Website[]>;
  /** All children of one kind that carry our label, in pages. */
  listChildren<Kind extends ChildKind>(kind: Kind): AsyncIterable<readonly ChildOfKind<Kind>[]>;
}
