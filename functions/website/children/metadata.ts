// What the metadata of all children has in common.
import { API_VERSION, GROUP, KIND, PLURAL, type ObjectMeta, type OwnerReference, type Website } from '../resource.ts';
import type { ChildObject, DesiredMeta } from './kind.ts';
import { namesIn, without, withStated, type StatedNames } from './stated-metadata.ts';

export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGER = 'website-reconciler';
/** Selects the children of all Websites. */
export const CHILD_SELECTOR = `${MANAGED_BY}=${MANAGER}`;

/**
 * The generation that a child was written for. Two runs that decided by different specs may want the same child: this annotation
 * makes their writes differ, so the later one notices the other.
 */
export const GENERATION = `${PLURAL}.${GROUP}/generation`;
/** Whether a child carries a generation. */
export const isStamped = ({ metadata }: Annotated): boolean => metadata.annotations?.[GENERATION] !== undefined;
/**
 * The generation that a child carries, or NaN. The functions write digits alone. Anything else is an edit, and must not count as an old
 * generation: `Number` would read an empty text as 0.
 */
export const generationOn = ({ metadata }: Annotated): number =>
  Number(/^\d+$/.exec(metadata.annotations?.[GENERATION] ?? '')?.[0]);
type Annotated = { readonly metadata: Pick<ObjectMeta, 'annotations'> };

/** On the Deployment: the optional kinds that exist or may exist, such as `Ingress,PodDisruptionBudget` (marks.ts). */
export const OPTIONAL_CHILDREN = `${PLURAL}.${GROUP}/optional-children`;
/** What releases before `OPTIONAL_CHILDREN` wrote in its place, when Ingress was the one optional kind. */
export const HAS_INGRESS = `${PLURAL}.${GROUP}/has-ingress`;

/**
 * Annotation on the Deployment: which optional fields the spec stated when the Deployment was written. A field that has left the
 * spec since is removed. A field that the spec never stated belongs to another writer, such as an admission policy, and stays.
 */
export const STATED = `${PLURAL}.${GROUP}/stated`;

/**
 * Annotation on a child: the names of the labels and annotations that `spec.childMetadata` stated when the child was written, such as
 * `{"labels":["team"]}`. A name that has left the spec since is removed. Any other name belongs to another writer, and stays. Once used,
 * it stays as `{}` (child-metadata.ts).
 */
export const CHILD_METADATA = `${PLURAL}.${GROUP}/child-metadata`;

/**
 * Annotation on the Deployment of a Website with other children that depend on the spec: which of them its spec desires, as
 * `{generation}.{digest}` (plan/record.ts).
 */
export const OTHERS = `${PLURAL}.${GROUP}/other-children`;

const OWN_ANNOTATIONS = `metadata.annotations.${PLURAL}.${GROUP}/`;
/** Whether a path is that of an annotation in which the functions remember something. Such a change is no repair and no difference. */
export const isOwnAnnotation = (path: string): boolean => path.startsWith(OWN_ANNOTATIONS);

/** What the spec stated of a child's metadata when it was written. */
export const statedOn = ({ annotations = {} }: Pick<ObjectMeta, 'annotations'>): StatedNames =>
  namesIn(annotations[CHILD_METADATA]);

/** Name of a child: `shop-deployment`, `shop-service`, `shop-ingress`. */
export const childName = (kind: string, website: string): string => `${website}-${kind.toLowerCase()}`;

/** The name of the Website whose child of this kind would have this name. Undefined if a child cannot have this name. */
export function websiteNameIn(kind: string, name: string): string | undefined {
  const suffix = childName(kind, '');
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
}

/** Selects the Pods of a Website. `status.selector` holds it as text. */
export const selectorOf = (website: Website): Record<string, string> => ({
  app: website.metadata.name,
  [MANAGED_BY]: MANAGER,
});

/** The owner reference of a Website's children. The garbage collector deletes them with the Website. */
export const ownerReferenceTo = ({ metadata: { name, uid } }: Website): OwnerReference => ({
  apiVersion: API_VERSION,
  kind: KIND,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** @param annotations of this child alone. A child that depends on the spec also gets its generation. */
export function desiredMeta(
  { kind, dependsOnSpec }: { readonly kind: string; readonly dependsOnSpec: boolean },
  website: Website,
  annotations: Readonly<Record<string, string>> = {},
): DesiredMeta {
  const { name, namespace, generation = 0 } = website.metadata;
  return {
    name: childName(kind, name),
    namespace,
    labels: {
      app: name,
      'app.kubernetes.io/name': name,
      'app.kubernetes.io/instance': name,
      'app.kubernetes.io/component': 'webserver',
      [MANAGED_BY]: MANAGER,
    },
    annotations: { ...(dependsOnSpec ? { [GENERATION]: String(generation) } : {}), ...annotations },
    ownerReferences: [ownerReferenceTo(website)],
  };
}

/** The labels by which the API server and this project find children. An admission policy may change the others. */
export const ownLabels = (labels: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([label]) => label === 'app' || label === MANAGED_BY));

/**
 * Our labels and annotations, and those of all other writers.
 * @param optional annotations of ours that are removed once they are no longer desired.
 */
export function mergedMeta(have: ObjectMeta, want: DesiredMeta, optional: readonly string[] = []): ObjectMeta {
  const stated = withStated(have, want, statedOn(want), statedOn(have));
  const emptied = have.annotations?.[CHILD_METADATA] === undefined ? {} : { [CHILD_METADATA]: '{}' };
  return {
    ...have,
    labels: { ...stated.labels, ...ownLabels(want.labels) },
    annotations: { ...without(stated.annotations, optional), ...emptied, ...want.annotations },
    ownerReferences: mergedOwners(have.ownerReferences ?? [], want.ownerReferences),
  };
}

/**
 * Our owner reference replaces that of any other controller. Owners that are not controllers stay. A reference that already makes
 * this Website the controller stays as it is, even if its other fields differ. To change it can need the right to delete the child:
 * the admission plugin OwnerReferencesPermissionEnforcement, as on OpenShift, asks for that.
 */
export function mergedOwners(
  have: readonly OwnerReference[],
  want: readonly OwnerReference[],
): readonly OwnerReference[] {
  const missing = want.filter((ours) => !have.some((owner) => owner.controller === true && isSameObject(owner, ours)));
  if (missing.length === 0) return have;
  const others = have.filter((owner) => owner.controller !== true && missing.every(({ uid }) => uid !== owner.uid));
  return [...others, ...missing];
}

const isSameObject = (one: OwnerReference, other: OwnerReference): boolean =>
  one.uid === other.uid && one.name === other.name && one.kind === other.kind && one.apiVersion === other.apiVersion;

export const controllerOf = ({ metadata }: Pick<ChildObject, 'metadata'>): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);
