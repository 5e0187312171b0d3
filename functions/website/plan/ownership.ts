import { childrenIn, CARRIER, kindOf, type Child, type Children } from '../children/kinds.ts';
import { controllerOf, generationOn, isStamped, MANAGED_BY, MANAGER, selectorOf } from '../children/metadata.ts';
import { differences } from '../differences.ts';
import { API_VERSION, KIND, type OwnerReference, type Website } from '../resource.ts';

/**
 * Whom a child belongs to.
 * - `ours`: this Website controls it, by uid.
 * - `left-over`: a deleted Website of the same name controls it. The garbage collector will delete it eventually.
 * - `orphan`: it has no controller and carries every mark of this Website's child. A restore from a backup or
 *   `kubectl delete --cascade=orphan` removed its owner references.
 * - `foreign`: anything else. The functions never write to it.
 */
export type Ownership = 'ours' | 'left-over' | 'orphan' | 'foreign';

/**
 * `left-over` is certain only for a Website that was read after the child, and not from a cache. Names are unique, so the live Website's
 * uid shows that the other one is gone.
 */
export function ownershipOf(child: Child, website: Website): Ownership {
  const controller = controllerOf(child);
  if (controller === undefined) return hasEveryMark(child, website) ? 'orphan' : 'foreign';
  if (controller.uid === website.metadata.uid) return 'ours';
  return isWebsite(controller) && controller.name === website.metadata.name ? 'left-over' : 'foreign';
}

/** Whether this Website, by uid, controls the child. */
export const isOwnedBy = (child: Child, website: Website): boolean => controllerOf(child)?.uid === website.metadata.uid;

export const isWebsite = ({ apiVersion, kind }: Pick<OwnerReference, 'apiVersion' | 'kind'>): boolean =>
  kind === KIND && apiVersion === API_VERSION;

/** Our labels with the name of this Website, its selector, and a generation on the kinds that carry one. */
function hasEveryMark(child: Child, website: Website): boolean {
  const { labels = {} } = child.metadata;
  const kind = kindOf(child.kind);
  const isLabelled = labels[MANAGED_BY] === MANAGER && labels['app.kubernetes.io/instance'] === website.metadata.name;
  return isLabelled && (!kind.dependsOnSpec || isStamped(child)) && selectsPodsOf(website, kind.selector?.(child));
}

/** Children without a selector pass. */
const selectsPodsOf = (website: Website, selector: unknown): boolean =>
  selector === undefined || differences(selector, selectorOf(website)).length === 0;

/**
 * Whether every child that depends on the spec, by its kind or by childMetadata, carries an older generation of this Website. The
 * Deployment must be one of them.
 */
export function isNewerThan(website: Website, children: Children): boolean {
  const { generation = 0 } = website.metadata;
  const isOlder = (child: Child) => isOwnedBy(child, website) && generationOn(child) < generation;
  const dependent = childrenIn(children).filter((child) => kindOf(child.kind).dependsOnSpec || isStamped(child));
  return children[CARRIER] !== undefined && dependent.every(isOlder);
}
