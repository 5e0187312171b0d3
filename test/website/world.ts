import { thousandths } from '../../functions/website/children/deployment/quantity.ts';
import { keyText } from '../../functions/website/resource.ts';
import type { MemoryCluster } from '../cluster/memory.ts';
import { CHILD_METADATA, GENERATION, OTHERS, STATED } from '../../functions/website/children/metadata.ts';

interface Named {
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string };
}

const DIFFERS_BY_HISTORY = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'observedGeneration',
  'lastTransitionTime',
  'creationTimestamp',
  'managedFields',
  'clusterIP',
  'clusterIPs',
  'deployment.kubernetes.io/revision',
  // Which generations a run saw, and when.
  'history',
  GENERATION,
  OTHERS,
]);

/** Objects without what differs between two histories that come to the same: uids, versions, generations, times, addresses. */
export function masked(objects: readonly Named[]): unknown[] {
  const keep = (name: string, value: unknown) => {
    if (DIFFERS_BY_HISTORY.has(name)) return undefined;
    if (name === 'annotations') return withoutEmpty(value as object);
    if (name === STATED) return String(value).replace(/"generation":"\d+",?/, '');
    return name === 'requests' || name === 'limits' ? amounts(value) : value;
  };
  const place = ({ kind, metadata }: Named) => `${kind} ${keyText(metadata)}`;
  return objects
    .toSorted((left, right) => place(left).localeCompare(place(right)))
    .map((object) => JSON.parse(JSON.stringify(sorted(object), keep)) as unknown);
}

/** A child whose Website ever stated labels or annotations says so when it states none. The API server stores no empty annotations. */
function withoutEmpty(annotations: object): object | undefined {
  const isKept = ([name, value]: [string, unknown]) =>
    !DIFFERS_BY_HISTORY.has(name) && !(name === CHILD_METADATA && value === '{}');
  const kept = Object.entries(annotations).filter(isKept);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** An amount stays as it was written first while it is the same. */
const amounts = (value: unknown): object =>
  Object.fromEntries(
    Object.entries(value as object).map(([name, amount]) => [name, String(thousandths(amount as string))]),
  );

/** The state of the world, to be compared with another that has come about in another way. */
export const world = (cluster: MemoryCluster): unknown[] => masked(cluster.all());

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => left.localeCompare(right))
      .map(([name, part]) => [name, sorted(part)]),
  );
};
