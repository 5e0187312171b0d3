import { GENERATION, HAS_INGRESS, MANAGED_BY, MANAGER } from './children.ts';
import type { Child, Children, Deployment, Ingress } from './children.ts';
import { differences } from './differences.ts';
import { API_VERSION, KIND, type OwnerReference, type Website } from './resource.ts';

/**
 * Whose a child is.
 * - `ours`: this very Website controls it, by uid.
 * - `left-over`: a deleted Website of the same name controls it, so the garbage collector deletes it, sooner or later.
 * - `orphan`: it has no controller and carries every mark of this Website's child: its owner references were removed, by a restore
 *   from a backup or by `kubectl delete --cascade=orphan`.
 * - `foreign`: anything else. It is never written to.
 */
export type Ownership = 'ours' | 'left-over' | 'orphan' | 'foreign';

/**
 * Only a Website that was read after the child, and not from a cache, can say `left-over`: names are unique, so the uid of the live
 * one shows that the other is gone.
 */
export function ownershipOf(child: Child, website: Website): Ownership {
  const controller = controllerOf(child);
  if (controller === undefined) return hasEveryMark(child, website) ? 'orphan' : 'foreign';
  if (controller.uid === website.metadata.uid) return 'ours';
  return isWebsite(controller) && controller.name === website.metadata.name ? 'left-over' : 'foreign';
}

/** Whether this very Website, by uid, controls the child. */
export const isOwnedBy = (child: Child, website: Website): boolean => controllerOf(child)?.uid === website.metadata.uid;

/** The owner reference of a Website's children: deletion is the garbage collector's work. */
export const ownerReferenceTo = ({ metadata: { name, uid } }: Website): OwnerReference => ({
  apiVersion: API_VERSION,
  kind: KIND,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

export const controllerOf = (child: Child): OwnerReference | undefined =>
  child.metadata.ownerReferences?.find(({ controller }) => controller === true);

const isWebsite = ({ apiVersion, kind }: Pick<OwnerReference, 'apiVersion' | 'kind'>): boolean =>
  kind === KIND && apiVersion === API_VERSION;

/** What the Deployment and the Service select Pods by; also `status.selector`, as text. */
export const selectorOf = (website: Website): Record<string, string> => ({
  app: website.metadata.name,
  [MANAGED_BY]: MANAGER,
});

/** The API server keeps the selector of a Deployment as it was created. */
export const hasOtherSelector = (child: Child, website: Website): boolean =>
  child.kind === 'Deployment' && differences(child.spec.selector.matchLabels, selectorOf(website)).length > 0;

/** Our labels with this Website's name, its selector, and the generation on the kinds that carry one. */
function hasEveryMark(child: Child, website: Website): boolean {
  const { labels = {}, annotations = {} } = child.metadata;
  const isLabelled = labels[MANAGED_BY] === MANAGER && labels['app.kubernetes.io/instance'] === website.metadata.name;
  return isLabelled && (child.kind === 'Service' ? selectsPodsOf(website, child.spec.selector) : isStamped());

  function isStamped(): boolean {
    return annotations[GENERATION] !== undefined && !hasOtherSelector(child, website);
  }
}

const selectsPodsOf = (website: Website, selector: unknown): boolean =>
  differences(selector, selectorOf(website)).length === 0;

/** Whether an Ingress has to be looked for. Without a Deployment of a Website's there is no mark to trust. */
export function mayHaveIngress(deployment: Deployment | undefined): boolean {
  const controller = deployment && controllerOf(deployment);
  const isMarked = deployment?.metadata.annotations?.[HAS_INGRESS] !== undefined;
  return controller === undefined || !isWebsite(controller) || isMarked;
}

/** Whether the Deployment, and the Ingress where there is one, were made for an older generation of this very Website. */
export function isAheadOf(website: Website, { deployment, ingress }: Children): boolean {
  const { generation = 0 } = website.metadata;
  const isOlder = (child: Deployment | Ingress) =>
    isOwnedBy(child, website) && Number(child.metadata.annotations?.[GENERATION] ?? NaN) < generation;
  return deployment !== undefined && isOlder(deployment) && (ingress === undefined || isOlder(ingress));
}
