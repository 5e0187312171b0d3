// What the forwarder notices about a Website: what it remembers, and which change that reveals later.
import {
  OUR_CONDITIONS,
  type Condition,
  type ObjectMeta,
  type WebsiteKey,
  type WebsiteStatus,
} from '../../../functions/website/resource.ts';
import { MANAGER } from '../../../functions/website/children/metadata.ts';
import type { Reason } from '../../../functions/events/website-event.ts';
import { isRequested } from '../../../functions/website/requested.ts';
import type { Change } from './change.ts';
import { printOf, type Memory } from './known.ts';
import type { WatchedObject } from './observer.ts';

/** What matters of a Website. */
export function rememberWebsite({ metadata, status }: WatchedObject): Memory {
  const { uid, generation, deletionTimestamp, labels, annotations } = metadata;
  return {
    uid,
    print: printOf([generation, deletionTimestamp, labels, annotations]),
    status: `${printOf(ownPart(status))}@${statusTimeOf(metadata)}`,
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
