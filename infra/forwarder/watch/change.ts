import type { ChildKind, Versions } from '../../../functions/website/children/kinds.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import type { Reason } from '../../../functions/events/website-event.ts';

/** A change that the forwarder reports to the functions. */
export interface Change {
  readonly kind: 'changed' | 'deleted' | 'drifted';
  readonly key: WebsiteKey;
  /** The Website's uid. */
  readonly uid: string;
  readonly id: string;
  readonly reason: Reason;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly childKind?: ChildKind;
  /** The versions of all objects that changed. Absent if the event must be sent even if the sink knows these versions. */
  readonly versions?: Versions;
  /** Set after somebody edited the status. The functions must not rely on it, so they read all children. */
  readonly reads?: 'all-children';
}
