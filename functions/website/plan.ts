import { CLASS_FROM_SPEC, GENERATION, type Child, type ChildKind, type Children } from './children.ts';
import type { Desired, DesiredChildren } from './desired.ts';
import { differencesBetween, type Difference } from './differences.ts';
import { mergedDeployment, mergedIngress, mergedOwners, mergedService } from './merge.ts';
import { hasOtherSelector, ownerReferenceTo, ownershipOf, type Ownership } from './ownership.ts';
import type { Website } from './resource.ts';
import { STATED } from './stated.ts';

/** One write to one child. */
export type Operation =
  | { readonly verb: 'create'; readonly child: Desired<Child> }
  /** `child` is what was read with our fields set in it, under the uid and resourceVersion that were read. */
  | {
      readonly verb: 'replace';
      readonly child: Child;
      /** Paths of what differs, and what is there and wanted. */
      readonly changed: readonly string[];
      readonly between: readonly Difference[];
      /** What the child was before this write makes it ours. */
      readonly takes?: Takes;
    }
  | { readonly verb: 'delete'; readonly child: Child };

type Takes = Extract<Ownership, 'left-over' | 'orphan'>;

/** A child that stands in the way and is not ours to touch. */
export interface Obstacle {
  readonly kind: ChildKind;
  readonly name: string;
  /**
   * `foreign`: somebody else's. `left-over`: a deleted Website's of this name, and cannot be made ours. `leaving`: being deleted.
   * `immutable`: ours, with another selector.
   */
  readonly why: 'foreign' | 'left-over' | 'leaving' | 'immutable';
  /** What keeps one that is being deleted. */
  readonly finalizers?: readonly string[];
}

export interface Plan {
  /** To be done in this order, each step at once: an Ingress exists only while its Deployment says so (`HAS_INGRESS`). */
  readonly steps: readonly (readonly Operation[])[];
  readonly obstacles: readonly Obstacle[];
}

/** The writes that make the children as desired. Children that are neither desired nor observed yield no operation. */
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
      if (want !== undefined) obstacles.push({ kind: have.kind, name: have.metadata.name, ...why });
    } else {
      operations.push(...operationsFor(website, want, have, merge));
    }
  };
  consider(wanted.deployment, observed.deployment, mergedDeployment);
  // An Ingress that no Deployment of ours knows of would stay when the host has left the spec.
  const isUnmarked = obstacles.length > 0 && observed.ingress === undefined;
  consider(wanted.service, observed.service, mergedService);
  if (!isUnmarked) consider(wanted.ingress, observed.ingress, mergedIngress);
  return { steps: inOrder(operations), obstacles };
}

/** Nothing where the child is ours, or may be made ours. */
function obstacle(website: Website, have: Child): Pick<Obstacle, 'why' | 'finalizers'> | undefined {
  const ownership = ownershipOf(have, website);
  if (ownership === 'foreign') return { why: 'foreign' };
  const { deletionTimestamp, finalizers = [] } = have.metadata;
  if (deletionTimestamp !== undefined) return { why: 'leaving', ...(finalizers.length === 0 ? {} : { finalizers }) };
  if (!hasOtherSelector(have, website)) return undefined;
  return { why: ownership === 'ours' ? 'immutable' : 'left-over' };
}

function operationsFor<T extends Child>(
  website: Website,
  want: Desired<T> | undefined,
  have: T | undefined,
  merge: (have: T, want: Desired<T>) => T,
): Operation[] {
  if (have === undefined) return want === undefined ? [] : [{ verb: 'create', child: want }];
  // An orphan takes no name that we need here, and somebody may have kept it on purpose.
  if (want === undefined) return ownershipOf(have, website) === 'orphan' ? [] : removal(website, have);
  const child = merge(have, want);
  if (lostItsClass(want, have))
    return [
      ...removal(website, have),
      { verb: 'create', child: { ...want, metadata: { ...want.metadata, ...othersOf(child) } } },
    ];
  const between = differencesBetween(have, child);
  if (!isWorthAWrite(have, between)) return [];
  return [{ verb: 'replace', child, changed: between.map(({ path }) => path), between, ...takes(website, have) }];
}

function takes(website: Website, have: Child): { readonly takes?: Takes } {
  const ownership = ownershipOf(have, website);
  return ownership === 'left-over' || ownership === 'orphan' ? { takes: ownership } : {};
}

/** Only what is ours is deleted, so anything else becomes ours first. */
function removal(website: Website, have: Child): Operation[] {
  const deletion: Operation = { verb: 'delete', child: have };
  const taken = takes(website, have);
  if (taken.takes === undefined) return [deletion];
  return [
    { verb: 'replace', child: takenBy(website, have), changed: ['metadata.ownerReferences'], between: [], ...taken },
    deletion,
  ];
}

function takenBy<T extends Child>(website: Website, have: T): T {
  const ownerReferences = mergedOwners(have.metadata.ownerReferences ?? [], [ownerReferenceTo(website)]);
  return { ...have, metadata: { ...have.metadata, ownerReferences } };
}

/** Whether it deletes a child or makes it ours. */
export const changesHands = (operation: Operation): boolean =>
  operation.verb === 'delete' || (operation.verb === 'replace' && operation.takes !== undefined);

/** Whether the plan takes a child from a deleted Website, or adopts one. */
export const takesAny = ({ steps }: Plan): boolean =>
  steps.flat().some((each) => each.verb === 'replace' && each.takes !== undefined);

/** What was stated is noted with the next write: the children of a release that did not note it need none for it. */
const isWorthAWrite = ({ metadata: { annotations } }: Child, between: readonly Difference[]): boolean =>
  between.some(({ path }) => path !== `metadata.annotations.${STATED}` || annotations?.[STATED] !== undefined);

/**
 * What other writers, such as an ingress controller or its user, have said of an object: it outlives a recreation. Some controllers
 * run what is in a snippet, so the fence lets the functions add none, and refuses all of an object that has one.
 */
const othersOf = ({ metadata: { labels = {}, annotations = {} } }: Child) => ({
  labels,
  annotations: Object.fromEntries(Object.entries(annotations).filter(([name]) => !name.endsWith('-snippet'))),
});

/** Only creation gives an Ingress the cluster's default class, so one whose class left the spec is recreated. */
const lostItsClass = (want: Desired<Child>, have: Child): boolean =>
  want.kind === 'Ingress' &&
  have.metadata.annotations?.[CLASS_FROM_SPEC] !== undefined &&
  want.metadata.annotations[CLASS_FROM_SPEC] === undefined;

function inOrder(operations: readonly Operation[]): Operation[][] {
  const isDelete = ({ verb }: Operation) => verb === 'delete';
  const isIngress = ({ child }: Operation) => child.kind === 'Ingress';
  const isTakenToDelete = ({ verb, child }: Operation) =>
    verb === 'replace' && operations.some((each) => isDelete(each) && each.child.kind === child.kind);
  const rest = operations.filter((each) => !isDelete(each) && !isTakenToDelete(each));
  return [
    operations.filter(isTakenToDelete),
    operations.filter(isDelete),
    rest.filter((each) => !isIngress(each)),
    rest.filter(isIngress),
  ].filter((step) => step.length > 0);
}

/** `create Deployment`, `replace Service`: how a write is named in replies and logs. */
export const actionOf = ({ verb, child }: Operation): string => `${verb} ${child.kind}`;

/** The plan, but for the generation that a child was written for: a suspension is a generation of its own. */
export const withoutStamps = ({ steps, obstacles }: Plan): Plan => ({
  steps: steps.map((step) => step.flatMap(unstamped)).filter((step) => step.length > 0),
  obstacles,
});

/** What is written with every generation. */
const STAMPS: ReadonlySet<string> = new Set([GENERATION, STATED].map((name) => `metadata.annotations.${name}`));

function unstamped(write: Operation): Operation[] {
  if (write.verb !== 'replace') return [write];
  const changed = write.changed.filter((path) => !STAMPS.has(path));
  return changed.length === 0 ? [] : [{ ...write, changed }];
}
