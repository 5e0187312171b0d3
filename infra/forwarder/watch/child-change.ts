// What the forwarder notices about a child: what it remembers, and which change that means for the Website.
import { CARRIER, kindOf, type ChildKind } from '../../../functions/website/children/kinds.ts';
import { controllerOf, MANAGER, websiteNameIn } from '../../../functions/website/children/metadata.ts';
import { isWebsite } from '../../../functions/website/plan/ownership.ts';
import type { OwnerReference } from '../../../functions/website/resource.ts';
import type { Change } from './change.ts';
import { printOf, type Memory } from './known.ts';
import type { WatchedObject } from './observer.ts';

/**
 * What matters of a child. Undefined if the object has nothing to do with a Website. A foreign object with a child's name may block
 * that Website. Of such an object, remember only what could make it ours or free the name.
 */
export function rememberChild(kind: ChildKind, { metadata, spec, status }: WatchedObject): Memory | undefined {
  const { uid, name, labels, annotations, ownerReferences, deletionTimestamp } = metadata;
  const owner = controllerOf({ metadata });
  if (owner !== undefined && isWebsite(owner) && isIdentity(owner)) {
    const watched = kindOf(kind).watchedStatus?.(status);
    const all = [labels, annotations, ownerReferences, deletionTimestamp, spec, watched];
    const version = kind === CARRIER ? { version: metadata.resourceVersion } : {};
    return { uid, owner: { name: owner.name, uid: owner.uid }, print: printOf(all), ...version };
  }
  const website = websiteNameIn(kind, name);
  if (website === undefined) return undefined;
  return {
    uid,
    owner: { name: website, uid: UNKNOWN_UID },
    print: printOf([labels, ownerReferences, deletionTimestamp]),
  };
}

/** The uid of a Website that is known only from the name of its child. */
export const UNKNOWN_UID = '';

/** Whether the functions created the object and no other manager has changed it. */
export const isOurCreation = ({ metadata: { managedFields = [] } }: WatchedObject): boolean =>
  managedFields.every(({ manager }) => manager === MANAGER);

/** Longest name of an object. */
const LONGEST_NAME = 253;

/** Other writers may put text of any length into an owner reference. No Website has a longer name or uid. */
const isIdentity = ({ name, uid }: OwnerReference): boolean =>
  name.length <= LONGEST_NAME && uid.length <= LONGEST_NAME && !/\s/.test(name + uid);

/** The change for the Website that owns a changed child. */
export const driftOf = (
  childKind: ChildKind,
  namespace: string,
  child: Memory & Required<Pick<Memory, 'owner'>>,
  resourceVersion: string,
): Change => ({
  kind: 'drifted',
  key: { namespace, name: child.owner.name },
  uid: child.owner.uid,
  id: `${child.owner.uid}.${child.uid}.${resourceVersion}`,
  reason: 'child-drifted',
  childKind,
  versions: { [childKind]: resourceVersion },
});
