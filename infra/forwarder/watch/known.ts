import { hash } from 'node:crypto';
import {
  OUR_CONDITIONS,
  type Condition,
  type ObjectMeta,
  type OwnerReference,
  type WebsiteKey,
  type WebsiteStatus,
} from '../../../functions/website/resource.ts';
import { CARRIER, kindOf, type ChildKind, type Versions } from '../../../functions/website/children/kinds.ts';
import { controllerOf, MANAGER, websiteNameIn } from '../../../functions/website/children/metadata.ts';
import { isWebsite } from '../../../functions/website/plan/ownership.ts';
import type { Reason } from '../../../functions/events/website-event.ts';
import { isRequested } from '../../../functions/website/requested.ts';
import type { WatchedObject } from './observer.ts';

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

/** What the forwarder remembers of an object: enough to notice a change, without its content. */
export interface Memory {
  readonly uid: string;
  readonly print: string;
  /** The Website that owns the child. */
  readonly owner?: { readonly name: string; readonly uid: string };
  /** Hash of a Website's status, and when the functions last wrote it, as `PRINT@TIME`. */
  readonly status?: string;
  /** The last seen version. Only of a Deployment that a Website controls. */
  readonly version?: string;
}

/**
 * The remembered objects, by `namespace/name`. There is one for each object in the cluster, so each is packed into one string. A
 * JavaScript object with several strings takes more than twice the memory.
 */
export class KnownObjects {
  #packed = new Map<string, string>();
  /** During a list, the objects that it has not contained so far. */
  #unlisted = new Map<string, string>();

  get size(): number {
    return this.#packed.size + this.#unlisted.size;
  }

  /** A list starts. It replaces an earlier list that did not end. */
  listStarted(): void {
    for (const [key, packed] of this.#packed) this.#unlisted.set(key, packed);
    this.#packed = new Map();
  }

  /** The objects that were known before the list and that it did not contain. */
  unlisted(): readonly string[] {
    return [...this.#unlisted.keys()];
  }

  get(key: string): Memory | undefined {
    const packed = this.#packed.get(key) ?? this.#unlisted.get(key);
    if (packed === undefined) return undefined;
    const [uid = '', print = '', status = '', ownerUid, name = '', version] = packed.split(' ');
    const owner = ownerUid === undefined ? {} : { owner: { name, uid: ownerUid } };
    const rest = version === undefined ? {} : { version };
    return { uid, print, ...(status === '' ? {} : { status }), ...owner, ...rest };
  }

  set(key: string, { uid, print, status = '', owner, version }: Memory): void {
    const parts = [uid, print, status, ...(owner === undefined ? [] : [owner.uid, owner.name])];
    this.#unlisted.delete(key);
    this.#packed.set(key, (version === undefined ? parts : [...parts, version]).join(' '));
  }

  delete(key: string): void {
    this.#packed.delete(key);
    this.#unlisted.delete(key);
  }
}

/** A hash of 96 bits, enough to tell all states of one object apart. */
const print = (value: unknown): string => hash('sha1', JSON.stringify(value), 'base64url').slice(0, 16);

/** What matters of a Website. */
export function rememberWebsite({ metadata, status }: WatchedObject): Memory {
  const { uid, generation, deletionTimestamp, labels, annotations } = metadata;
  return {
    uid,
    print: print([generation, deletionTimestamp, labels, annotations]),
    status: `${print(ownPart(status))}@${statusTimeOf(metadata)}`,
  };
}

/** The status without the conditions of other programs, whose changes do not matter. */
function ownPart(status: unknown): unknown {
  const { conditions, ...rest } = (status ?? {}) as { readonly conditions?: unknown };
  const own = Array.isArray(conditions)
    ? conditions.filter((each: Partial<Condition> | null) => OUR_CONDITIONS.has(each?.type ?? ''))
    : [];
  return [rest, own];
}

/** When the functions last changed the status, by `managedFields`. Empty if they own no field of it. */
const statusTimeOf = ({ managedFields = [] }: ObjectMeta): string =>
  managedFields.find(({ manager, subresource }) => manager === MANAGER && subresource === 'status')?.time ?? '';

/**
 * Whether another program or person changed the functions' part of the status. The API server records when each field manager last
 * changed something, so a write of the functions moves their time. Two of their writes within one second look like an edit. That costs
 * one event at most. If the sink's answer contained the version, it costs no event.
 */
function isStatusEdited(before: string | undefined, now: string | undefined): boolean {
  const [printBefore, timeBefore] = (before ?? '').split('@');
  const [printNow, timeNow] = (now ?? '').split('@');
  return printBefore !== printNow && (timeBefore === timeNow || timeNow === '');
}

/** Why the state of a Website asks for an event. Undefined if no event is needed. */
export function askedBy({ metadata, status }: WatchedObject): Reason | undefined {
  const known = (status ?? {}) as WebsiteStatus;
  const { observedGeneration, conditions } = known;
  if (observedGeneration === undefined) return 'first-seen';
  if (observedGeneration !== metadata.generation || metadata.deletionTimestamp !== undefined) return 'spec-changed';
  if (isRequested({ metadata, status: known })) return 'requested';
  return isReady(conditions) ? undefined : 'retry';
}

/** With another CRD, the conditions may be anything. One such Website must not stop the list of all. */
const isReady = (conditions: unknown): boolean =>
  Array.isArray(conditions) &&
  conditions.some((each: Partial<Condition> | null) => each?.type === 'Ready' && each.status === 'True');

/** The change between the remembered and the observed state of a Website, if there is one. */
export function websiteChange(object: WatchedObject, before: Memory | undefined): Change | undefined {
  if (before?.uid !== object.metadata.uid) return changeOf(object, askedBy(object) ?? 'spec-changed');
  const now = rememberWebsite(object);
  if (before.print === now.print) {
    // Sent as `spec-changed`, because older functions reject unknown reasons.
    const edited = { ...changeOf(object, 'spec-changed'), reads: 'all-children' } as const;
    return isStatusEdited(before.status, now.status) ? edited : undefined;
  }
  const asked = askedBy(object);
  // Something changed even if the state asks for nothing, such as a label.
  return changeOf(object, asked === 'requested' ? 'requested' : 'spec-changed');
}

/** What a list reveals about a Website: a change since it was last seen, or else what its state still asks for. */
export function listedChange(object: WatchedObject, before: Memory | undefined): Change | undefined {
  const change = before === undefined ? undefined : websiteChange(object, before);
  const asked = askedBy(object);
  if (change !== undefined || asked === undefined) return change;
  // With `first-seen`, the functions assume that there are no children yet. That is unlikely for a remembered Website.
  return changeOf(object, before !== undefined && asked === 'first-seen' ? 'spec-changed' : asked);
}

const changeOf = ({ metadata }: WatchedObject, reason: Reason): Change => ({
  kind: 'changed',
  key: { namespace: metadata.namespace, name: metadata.name },
  uid: metadata.uid,
  id: `${metadata.uid}.${metadata.resourceVersion}`,
  reason,
  resourceVersion: metadata.resourceVersion,
  // Nothing changed in a Website that is retried, so no answer can cover this change.
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
    return { uid, owner: { name: owner.name, uid: owner.uid }, print: print(all), ...version };
  }
  const website = websiteNameIn(kind, name);
  if (website === undefined) return undefined;
  return {
    uid,
    owner: { name: website, uid: UNKNOWN_UID },
    print: print([labels, ownerReferences, deletionTimestamp]),
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
