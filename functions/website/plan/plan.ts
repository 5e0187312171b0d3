import { forEverySpec, hasStatement, waitsForCarrier } from './child-metadata.ts';
import {
  CARRIER,
  isOptional,
  kindOf,
  KINDS,
  type Child,
  type ChildKind,
  type Children,
  type DesiredChildren,
} from '../children/kinds.ts';
import type { Desired } from '../children/kind.ts';
import { isOwnAnnotation, mergedOwners, OTHERS, ownerReferenceTo, STATED } from '../children/metadata.ts';
import { differencesBetween, type Difference } from '../differences.ts';
import { haveSameMarks, isMark, withUnknownMarks } from './marks.ts';
import { ownershipOf, type Ownership } from './ownership.ts';
import type { Website } from '../resource.ts';

/** One write to one child. */
export type Operation =
  | { readonly verb: 'create'; readonly child: Desired<Child>; readonly afterCarrier?: true }
  /** `child` is the object that was read, with our fields set in it. It keeps its uid and resourceVersion. */
  | {
      readonly verb: 'replace';
      readonly child: Child;
      /** Paths of the fields that differ, and their observed and desired values. */
      readonly changed: readonly string[];
      readonly between: readonly Difference[];
      /** Set if this write takes the child over: what the child was before. */
      readonly takes?: Takes;
      /** Only after the Deployment, and only once its annotation says that childMetadata is or was used. */
      readonly afterCarrier?: true;
    }
  | { readonly verb: 'delete'; readonly child: Child };

type Takes = Extract<Ownership, 'left-over' | 'orphan'>;

/** A child that prevents a desired one, and that the functions must not touch. */
export interface Obstacle {
  readonly kind: ChildKind;
  readonly name: string;
  /**
   * `foreign`: it belongs to somebody else. `left-over`: it belongs to a deleted Website of this name and cannot be made ours.
   * `leaving`: it is being deleted. `immutable`: it is ours, and `what` says what the API server never changes.
   */
  readonly why: 'foreign' | 'left-over' | 'leaving' | 'immutable';
  readonly what?: string;
  /** The finalizers of a child that is being deleted. */
  readonly finalizers?: readonly string[];
}

export interface Plan {
  /** In this order; the operations of one step run in parallel. An optional child exists only while the Deployment lists it (marks.ts). */
  readonly steps: readonly (readonly Operation[])[];
  readonly obstacles: readonly Obstacle[];
}

/** The writes that lead to the desired children. Children that are neither desired nor observed yield no operation. */
export function plan(website: Website, wanted: DesiredChildren, observed: Children): Plan {
  const obstacles: Obstacle[] = [];
  const operations: Operation[] = [];
  for (const kind of KINDS) {
    const want: Desired<Child> | undefined = wanted[kind.kind];
    const have: Child | undefined = observed[kind.kind];
    const why = have === undefined ? undefined : obstacle(website, have);
    if (have !== undefined && why !== undefined) {
      // A foreign object matters only when it occupies a name that this Website needs.
      if (want !== undefined) obstacles.push({ kind: have.kind, name: have.metadata.name, ...why });
      continue;
    }
    const isBlocked = obstacles.some((each) => !isOptional(each.kind));
    const possible = isBlocked ? besideObstacle(want, have, observed) : { want, order: orderOf(want) };
    if (possible !== undefined) operations.push(...operationsFor(website, have, possible));
  }
  return { steps: inOrder(operations), obstacles };
}

/**
 * What may be written of this child while there is an obstacle. An obstacle on the Deployment keeps its annotations from telling later
 * runs about this child. An optional child would then stay when the spec no longer desires it, and a Service would keep labels that
 * have left the spec. An obstacle on the Service would make a route lead to somebody else's Pods.
 */
function besideObstacle(
  want: Desired<Child> | undefined,
  have: Child | undefined,
  { [CARRIER]: carrier }: Children,
): Wanted | undefined {
  if (want === undefined) return { want, order: {} };
  if (have === undefined && isOptional(want.kind)) return undefined;
  const isTold = carrier !== undefined && hasStatement(carrier);
  return waitsForCarrier(want) && !isTold
    ? { want: forEverySpec(want, have), order: {} }
    : { want, order: orderOf(want) };
}

/** What the plan leads to for one kind, and when. */
interface Wanted {
  readonly want: Desired<Child> | undefined;
  readonly order: { readonly afterCarrier?: true };
}

const orderOf = (want: Desired<Child> | undefined): Wanted['order'] =>
  want !== undefined && waitsForCarrier(want) ? { afterCarrier: true } : {};

/** Undefined if the child is ours or can be made ours. */
function obstacle(website: Website, have: Child): Omit<Obstacle, 'kind' | 'name'> | undefined {
  const ownership = ownershipOf(have, website);
  if (ownership === 'foreign') return { why: 'foreign' };
  const { deletionTimestamp, finalizers = [] } = have.metadata;
  if (deletionTimestamp !== undefined) return { why: 'leaving', ...(finalizers.length === 0 ? {} : { finalizers }) };
  const what = kindOf(have.kind).immutable?.(have, website);
  if (what === undefined) return undefined;
  return ownership === 'ours' ? { why: 'immutable', what } : { why: 'left-over' };
}

function operationsFor(website: Website, have: Child | undefined, { want, order }: Wanted): Operation[] {
  if (have === undefined) return want === undefined ? [] : [{ verb: 'create', child: want, ...order }];
  // An orphan occupies no name that this Website needs, and somebody may have kept it on purpose.
  if (want === undefined) return ownershipOf(have, website) === 'orphan' ? [] : removal(website, have);
  const kind = kindOf(have.kind);
  const recreated = kind.recreated?.(have, want);
  if (recreated !== undefined) return [...removal(website, have), { verb: 'create', child: recreated }];
  const child = keepingUnknownMarks(kind.merged(have, want), have);
  const between = differencesBetween(have, child);
  if (!isWorthAWrite(have, child, between)) return [];
  return [
    { verb: 'replace', child, changed: between.map(({ path }) => path), between, ...takes(website, have), ...order },
  ];
}

const keepingUnknownMarks = (child: Child, have: Child): Child =>
  child.kind === CARRIER && have.kind === CARRIER ? withUnknownMarks(child, have) : child;

function takes(website: Website, have: Child): { readonly takes?: Takes } {
  const ownership = ownershipOf(have, website);
  return ownership === 'left-over' || ownership === 'orphan' ? { takes: ownership } : {};
}

/** The functions delete only their own children, so they take over any other child first. */
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

/** Whether the operation deletes a child or makes it ours. */
export const changesHands = (operation: Operation): boolean =>
  operation.verb === 'delete' || (operation.verb === 'replace' && operation.takes !== undefined);

/** Whether the plan takes over a deleted Website's child or adopts an orphan. */
export const takesAny = ({ steps }: Plan): boolean =>
  steps.flat().some((each) => each.verb === 'replace' && each.takes !== undefined);

/** Annotations that another release or no release wrote are brought up to date by the next write that has another reason. */
const isWorthAWrite = (have: Child, child: Child, between: readonly Difference[]): boolean =>
  between.some(({ path }) => {
    if (path === `metadata.annotations.${STATED}`) return have.metadata.annotations?.[STATED] !== undefined;
    return path !== RECORD && (!isMark(path) || !haveSameMarks(have, child));
  });

const RECORD = `metadata.annotations.${OTHERS}`;

function inOrder(operations: readonly Operation[]): Operation[][] {
  const isDelete = ({ verb }: Operation) => verb === 'delete';
  const isAfterCarrier = (each: Operation) =>
    isOptional(each.child.kind) || (each.verb !== 'delete' && each.afterCarrier === true);
  const isTakenToDelete = ({ verb, child }: Operation) =>
    verb === 'replace' && operations.some((each) => isDelete(each) && each.child.kind === child.kind);
  const rest = operations.filter((each) => !isDelete(each) && !isTakenToDelete(each));
  return [
    operations.filter(isTakenToDelete),
    operations.filter(isDelete),
    rest.filter((each) => !isAfterCarrier(each)),
    rest.filter(isAfterCarrier),
  ].filter((step) => step.length > 0);
}

/** How replies and logs name a write: `create Deployment`, `replace Service`. */
export const actionOf = ({ verb, child }: Operation): string => `${verb} ${child.kind}`;

/** The plan without the functions' own annotations, which mean nothing to a reader. Most of them change with every generation. */
export const withoutOwnAnnotations = ({ steps, obstacles }: Plan): Plan => ({
  steps: steps.map((step) => step.flatMap(withoutOwn)).filter((step) => step.length > 0),
  obstacles,
});

function withoutOwn(write: Operation): Operation[] {
  if (write.verb !== 'replace') return [write];
  const changed = write.changed.filter((path) => !isOwnAnnotation(path));
  return changed.length === 0 ? [] : [{ ...write, changed }];
}
