import { hash } from 'node:crypto';
import {
  OUR_CONDITIONS,
  type Condition,
  type ObjectMeta,
  type OwnerReference,
  type WebsiteKey,
  type WebsiteStatus,
} from '../../../functions/website/resource.ts';
import { kindOf, type ChildKind, type Versions } from '../../../functions/website/children/kinds.ts';
import { controllerOf, MANAGER, websiteNameIn } from '../../../functions/website/children/metadata.ts';
import { isWebsite } from '../../../functions/website/ownership.ts';
import type { Reason } from '../../../functions/events/website-event.ts';
import { requestIn } from '../../../functions/website/requested.ts';
import type { WatchedObject } from './observer.ts';

/** A change that the functions should hear of. */
export interface Change {
  readonly kind: 'changed' | 'deleted' | 'drifted';
  readonly key: WebsiteKey;
  /** Of the Website. */
  readonly uid: string;
  readonly id: string;
  readonly reason: Reason;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly childKind?: ChildKind;
  /** The objects that changed, as they were seen, and no others did; absent where a look is needed whatever the sink knew. */
  readonly versions?: Versions;
  /** Set where more than `versions` has to be read: what the status says of the rest cannot be relied on. */
  readonly reads?: 'everything';
}

/** What is remembered of an object: enough to see that it changed, and nothing of what it holds. */
export interface Memory {
  readonly uid: string;
  readonly print: string;
  /** The Website that it belongs to, for a child. */
  readonly owner?: { readonly name: string; readonly uid: string };
  /** The status of a Website, and when the functions last wrote it, as `PRINT@TIME`. */
  readonly status?: string;
}

/**
 * The objects that are remembered, by `namespace/name`. There are as many of them as objects in the cluster, so each is kept
 * as one string: an object with its own strings takes more than twice as much.
 */
export class KnownObjects {
  #packed = new Map<string, string>();

  get size(): number {
    return this.#packed.size;
  }

  has(key: string): boolean {
    return this.#packed.has(key);
  }

  get(key: string): Memory | undefined {
    const packed = this.#packed.get(key);
    if (packed === undefined) return undefined;
    const [uid = '', print = '', status = '', ownerUid, name = ''] = packed.split(' ');
    const owner = ownerUid === undefined ? {} : { owner: { name, uid: ownerUid } };
    return { uid, print, ...(status === '' ? {} : { status }), ...owner };
  }

  set(key: string, { uid, print, status = '', owner }: Memory): void {
    this.#packed.set(key, [uid, print, status, ...(owner === undefined ? [] : [owner.uid, owner.name])].join(' '));
  }

  delete(key: string): void {
    this.#packed.delete(key);
  }

  keys(): Iterable<string> {
    return this.#packed.keys();
  }
}

/** 96 bits: enough that no two states of one object look the same. */
const print = (value: unknown): string => hash('sha1', JSON.stringify(value), 'base64url').slice(0, 16);

/** A Website as far as a change of it matters. */
export function rememberWebsite({ metadata, status }: WatchedObject): Memory {
  const { uid, generation, deletionTimestamp, labels, annotations } = metadata;
  return {
    uid,
    print: print([generation, deletionTimestamp, labels, annotations]),
    status: `${print(ownPart(status))}@${statusTimeOf(metadata)}`,
  };
}

/** The status without the conditions of other programs, which may change as often as they like. */
function ownPart(status: unknown): unknown {
  const { conditions, ...rest } = (status ?? {}) as { readonly conditions?: unknown };
  const own = Array.isArray(conditions)
    ? conditions.filter((each: Partial<Condition> | null) => OUR_CONDITIONS.has(each?.type ?? ''))
    : [];
  return [rest, own];
}

/** When the functions last changed the status, as the API server keeps it; empty once no field is theirs. */
const statusTimeOf = ({ managedFields = [] }: ObjectMeta): string =>
  managedFields.find(({ manager, subresource }) => manager === MANAGER && subresource === 'status')?.time ?? '';

/**
 * Whether another program or person changed what the functions say in the status. The API server keeps the time of each manager's
 * last change, so a write of the functions moves theirs. Two of their writes within a second look the same as an edit: that costs a
 * look at most, and where the sink answered with the version, not even that.
 */
function isStatusEdited(before: string | undefined, now: string | undefined): boolean {
  const [printBefore, timeBefore] = (before ?? '').split('@');
  const [printNow, timeNow] = (now ?? '').split('@');
  return printBefore !== printNow && (timeBefore === timeNow || timeNow === '');
}

/** What the state of a Website asks for by itself, however it was learned of; nothing when it is settled. */
export function askedBy({ metadata, status }: WatchedObject): Reason | undefined {
  const { observedGeneration, lastHandledReconcileAt, conditions } = (status ?? {}) as WebsiteStatus;
  if (observedGeneration === undefined) return 'first-seen';
  if (observedGeneration !== metadata.generation || metadata.deletionTimestamp !== undefined) return 'spec-changed';
  if (isUnanswered(requestIn(metadata), lastHandledReconcileAt)) return 'requested';
  return isReady(conditions) ? undefined : 'retry';
}

/** A CRD without our schema lets anything in, and one such Website must not stop the list of all. */
const isReady = (conditions: unknown): boolean =>
  Array.isArray(conditions) &&
  conditions.some((each: Partial<Condition> | null) => each?.type === 'Ready' && each.status === 'True');

const isUnanswered = (requested: string | undefined, handled: string | undefined): boolean =>
  requested !== undefined && requested !== handled;

/** The change of a Website between what was remembered and what is seen now. */
export function websiteChange(object: WatchedObject, before: Memory | undefined): Change | undefined {
  if (before?.uid !== object.metadata.uid) return changeOf(object, askedBy(object) ?? 'spec-changed');
  const now = rememberWebsite(object);
  if (before.print === now.print) {
    // No reason of its own, which functions of an older release would refuse.
    const edited = { ...changeOf(object, 'spec-changed'), reads: 'everything' } as const;
    return isStatusEdited(before.status, now.status) ? edited : undefined;
  }
  const asked = askedBy(object);
  // Where the state asks for nothing, something changed all the same: a label.
  return changeOf(object, asked === 'requested' ? 'requested' : 'spec-changed');
}

/** What a list says of a Website: what changed since it was seen, or else what its state still asks for. */
export function listedChange(object: WatchedObject, before: Memory | undefined): Change | undefined {
  const change = before === undefined ? undefined : websiteChange(object, before);
  const asked = askedBy(object);
  if (change !== undefined || asked === undefined) return change;
  // Only one that was never seen is likely to have no children yet.
  return changeOf(object, before !== undefined && asked === 'first-seen' ? 'spec-changed' : asked);
}

const changeOf = ({ metadata }: WatchedObject, reason: Reason): Change => ({
  kind: 'changed',
  key: { namespace: metadata.namespace, name: metadata.name },
  uid: metadata.uid,
  id: `${metadata.uid}.${metadata.resourceVersion}`,
  reason,
  resourceVersion: metadata.resourceVersion,
  // One that is not Ready is looked at again, although nothing changed.
  ...(reason === 'retry' ? {} : { versions: { Website: metadata.resourceVersion } }),
  ...(metadata.generation === undefined ? {} : { generation: metadata.generation }),
});

export const deletionOf = (key: WebsiteKey, { uid }: Memory, resourceVersion: string | undefined): Change => ({
  kind: 'deleted',
  key,
  uid,
  id: resourceVersion === undefined ? `${uid}.deleted` : `${uid}.${resourceVersion}.deleted`,
  reason: 'deleted',
  ...(resourceVersion === undefined ? {} : { resourceVersion }),
});

/**
 * A child as far as a change of it matters; nothing where it is no Website's. What has the name of a Website's child and another
 * owner may stand in the way of that Website: only what could end that matters.
 */
export function rememberChild(kind: ChildKind, { metadata, spec, status }: WatchedObject): Memory | undefined {
  const { uid, name, labels, annotations, ownerReferences, deletionTimestamp } = metadata;
  const owner = controllerOf({ metadata });
  if (owner !== undefined && isWebsite(owner) && isIdentity(owner)) {
    const watched = kindOf(kind).watchedStatus?.(status);
    const all = [labels, annotations, ownerReferences, deletionTimestamp, spec, watched];
    return { uid, owner: { name: owner.name, uid: owner.uid }, print: print(all) };
  }
  const website = websiteNameIn(kind, name);
  if (website === undefined) return undefined;
  return {
    uid,
    owner: { name: website, uid: UNKNOWN_UID },
    print: print([labels, ownerReferences, deletionTimestamp]),
  };
}

/** Of a Website that is known by the name of its child alone. */
export const UNKNOWN_UID = '';

/** What the functions created, and nobody has changed since. */
export const isOurCreation = ({ metadata: { managedFields = [] } }: WatchedObject): boolean =>
  managedFields.every(({ manager }) => manager === MANAGER);

/** Longest name that an object may have. */
const LONGEST_NAME = 253;

/** Whoever writes an owner reference chooses its texts, up to the size of the object. No Website has a longer name or uid. */
const isIdentity = ({ name, uid }: OwnerReference): boolean =>
  name.length <= LONGEST_NAME && uid.length <= LONGEST_NAME && !/\s/.test(name + uid);

/** `drifted`, for the Website that owns the child. */
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
