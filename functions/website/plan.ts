import { CLASS_FROM_SPEC, isLeftOver, isOwnedBy, type Child, type ChildKind, type Children } from './children.ts';
import { selectorOf, type Desired, type DesiredChildren } from './desired.ts';
import { differences } from './differences.ts';
import { mergedDeployment, mergedIngress, mergedService } from './merge.ts';
import type { Website } from './resource.ts';

/** One write to one child. */
export type Operation =
  | { readonly verb: 'create'; readonly child: Desired<Child> }
  /** `child` is what was read with our fields set in it, under the uid and resourceVersion that were read. */
  | { readonly verb: 'replace'; readonly child: Child; readonly changed: readonly string[] }
  | { readonly verb: 'delete'; readonly child: Child };

/** A child that stands in the way and is not ours to touch. */
export interface Obstacle {
  readonly kind: ChildKind;
  readonly name: string;
  /**
   * `foreign`: somebody else's. `left-over`: a deleted Website's of this name. `leaving`: ours, but being deleted.
   * `immutable`: ours, with another selector.
   */
  readonly why: 'foreign' | 'left-over' | 'leaving' | 'immutable';
}

export interface Plan {
  /** To be done in this order, each step at once: an Ingress exists only while its Deployment says so (`HAS_INGRESS`). */
  readonly steps: readonly (readonly Operation[])[];
  readonly obstacles: readonly Obstacle[];
}

/** What has to be written so that the children are as desired; no step when they are. What is neither wanted nor observed is none. */
export function plan(website: Website, wanted: Partial<DesiredChildren>, observed: Children): Plan {
  const obstacles: Obstacle[] = [];
  const operations: Operation[] = [];
  const consider = <T extends Child>(
    want: Desired<T> | undefined,
    have: T | undefined,
    merge: (have: T, want: Desired<T>) => T,
  ) => {
    const why = have === undefined ? undefined : obstacle(website, have);
    if (have !== undefined && why !== undefined) {
      // A foreign object matters only where it takes a name that we need.
      if (want !== undefined) obstacles.push({ kind: have.kind, name: have.metadata.name, why });
    } else {
      operations.push(...operation(want, have, merge));
    }
  };
  consider(wanted.deployment, observed.deployment, mergedDeployment);
  // An Ingress that no Deployment of ours knows of would stay when the host has left the spec.
  const isUnmarked = obstacles.length > 0 && observed.ingress === undefined;
  consider(wanted.service, observed.service, mergedService);
  if (!isUnmarked) consider(wanted.ingress, observed.ingress, mergedIngress);
  return { steps: inOrder(operations), obstacles };
}

function obstacle(website: Website, have: Child): Obstacle['why'] | undefined {
  if (isLeftOver(have, website)) return 'left-over';
  if (!isOwnedBy(have, website)) return 'foreign';
  if (have.metadata.deletionTimestamp !== undefined) return 'leaving';
  return have.kind === 'Deployment' && differences(have.spec.selector.matchLabels, selectorOf(website)).length > 0
    ? 'immutable'
    : undefined;
}

function operation<T extends Child>(
  want: Desired<T> | undefined,
  have: T | undefined,
  merge: (have: T, want: Desired<T>) => T,
): Operation[] {
  if (want === undefined) return have === undefined ? [] : [{ verb: 'delete', child: have }];
  if (have === undefined) return [{ verb: 'create', child: want }];
  const child = merge(have, want);
  if (lostItsClass(want, have))
    return recreation(have, { ...want, metadata: { ...want.metadata, ...othersOf(child) } });
  const changed = differences(have, child);
  return changed.length === 0 ? [] : [{ verb: 'replace', child, changed }];
}

const recreation = (have: Child, child: Desired<Child>): Operation[] => [
  { verb: 'delete', child: have },
  { verb: 'create', child },
];

/** What other writers, such as an ingress controller or its user, have said of an object: it outlives a recreation. */
const othersOf = ({ metadata: { labels = {}, annotations = {} } }: Child) => ({ labels, annotations });

/** Only creation gives an Ingress the cluster's default class, so one whose class left the spec is recreated. */
const lostItsClass = (want: Desired<Child>, have: Child): boolean =>
  want.kind === 'Ingress' &&
  have.metadata.annotations?.[CLASS_FROM_SPEC] !== undefined &&
  want.metadata.annotations[CLASS_FROM_SPEC] === undefined;

function inOrder(operations: readonly Operation[]): Operation[][] {
  const isDelete = ({ verb }: Operation) => verb === 'delete';
  const isIngress = ({ child }: Operation) => child.kind === 'Ingress';
  return [
    operations.filter(isDelete),
    operations.filter((each) => !isDelete(each) && !isIngress(each)),
    operations.filter((each) => !isDelete(each) && isIngress(each)),
  ].filter((step) => step.length > 0);
}

/** `create Deployment`, `replace Service`: how a write is named in replies and logs. */
export const actionOf = ({ verb, child }: Operation): string => `${verb} ${child.kind}`;
