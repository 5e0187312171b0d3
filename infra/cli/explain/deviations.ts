// Where the children of a Website differ from its spec, whether or not the next reconcile changes that.
import {
  CHILD_KINDS,
  type Child,
  type ChildKind,
  type Children,
  type DesiredChildren,
} from '../../../functions/website/children/kinds.ts';
import { childName, MANAGER } from '../../../functions/website/children/metadata.ts';
import { decide } from '../../../functions/website/run/decide.ts';
import type { Defaults } from '../../../functions/website/defaults.ts';
import { lastWriterOf } from '../../../functions/website/plan/field-writers.ts';
import { without } from '../../../functions/website/run/kept.ts';
import { SCOPES } from '../../../functions/website/run/scope.ts';
import { ownershipOf, type Ownership } from '../../../functions/website/plan/ownership.ts';
import { plan, withoutOwnAnnotations, type Plan } from '../../../functions/website/plan/plan.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { adviceOnLeftOver, adviceOnOrphan, type Idle } from './orphans.ts';

/** A child that exists, or that the spec declares. */
export interface ChildLine {
  readonly kind: string;
  readonly name: string;
  /** Absent if the child is missing. `no Website`: it has every mark of this Website's child, and no controller. */
  readonly owner?: 'this Website' | 'no Website' | 'a deleted Website of this name' | 'somebody else';
  /** Whether it exists without the spec declaring it. */
  readonly isLeftOver?: true;
  /** What to do about a child that an earlier Website left. */
  readonly toDo?: string;
}

/** A field of a child that is not as the spec declares. */
export interface DifferentField {
  readonly kind: string;
  readonly path: string;
  /** The field manager that wrote it last. Absent if the API server has recorded no writer, for example for a field that was removed. */
  readonly manager?: string | undefined;
}

/** What the spec declares, and the writes that lead there, including those that the functions omit because of `suspend` or a policy. */
export interface Declared {
  /** Undefined if the spec is invalid. */
  readonly wanted: DesiredChildren | undefined;
  readonly missing: Plan;
  /** Why the functions leave all children as they are. */
  readonly idle?: Idle | undefined;
}

export function declared(website: Website, children: Children, defaults: Defaults): Declared {
  const decision = decide(website, children, { scope: SCOPES.everything, defaults });
  if (decision.spec === undefined) return { wanted: undefined, missing: decision.plan, idle: 'invalid' };
  const { wanted, kept, spec } = decision;
  const missing = withoutOwnAnnotations(plan(website, wanted, without(children, kept)));
  return { wanted, missing, idle: spec.suspend ? 'suspended' : undefined };
}

const OWNERS = {
  ours: 'this Website',
  orphan: 'no Website',
  'left-over': 'a deleted Website of this name',
  foreign: 'somebody else',
} as const satisfies Record<Ownership, ChildLine['owner']>;

/** @param hidden the kinds that this user may not read. */
export function childLines(
  website: Website,
  children: Children,
  { wanted, missing, idle }: Declared,
  hidden: (kind: ChildKind) => boolean,
): ChildLine[] {
  const deleted = missing.steps.flat().filter(({ verb }) => verb === 'delete');
  const deletedKinds = new Set(deleted.map(({ child }) => child.kind));
  return CHILD_KINDS.flatMap((kind): ChildLine[] => {
    const child: Child | undefined = children[kind];
    if (child !== undefined) return [existingLine(child, website, { wanted, idle }, deletedKinds)];
    const isMissing = wanted?.[kind] !== undefined && !hidden(kind);
    return isMissing ? [{ kind, name: childName(kind, website.metadata.name) }] : [];
  });
}

/** @param deleted the kinds whose child the functions delete, unless the Website is suspended. */
function existingLine(
  child: Child,
  website: Website,
  { wanted, idle }: Pick<Declared, 'wanted' | 'idle'>,
  deleted: ReadonlySet<string>,
): ChildLine {
  const { kind } = child;
  const owner = OWNERS[ownershipOf(child, website)];
  const isOfDeleted = owner === 'a deleted Website of this name';
  const line = {
    kind,
    name: child.metadata.name,
    owner,
    ...(isOfDeleted ? { toDo: adviceOnLeftOver(child, website.metadata, idle) } : {}),
  };
  if (wanted === undefined || wanted[kind] !== undefined) return line;
  if (owner === 'no Website') return { ...line, isLeftOver: true, toDo: adviceOnOrphan(child, idle) };
  return deleted.has(kind) ? { ...line, isLeftOver: true } : line;
}

/**
 * The fields that others changed, and all fields of the children that the next reconcile leaves as they are.
 * @param written the kinds that the next reconcile writes. What it writes for a new spec, the plan shows.
 */
export function differentFields(
  children: Children,
  { missing }: Declared,
  written: ReadonlySet<string>,
): DifferentField[] {
  return missing.steps.flat().flatMap((operation) => {
    const { kind } = operation.child;
    const child: Child | undefined = children[kind];
    if (operation.verb !== 'replace' || child === undefined) return [];
    return operation.changed.flatMap((path): DifferentField[] => {
      const writer = lastWriterOf(child, path);
      if (writer?.by !== 'other' && written.has(kind)) return [];
      return [{ kind, path, manager: writer?.by === 'ours' ? MANAGER : writer?.manager }];
    });
  });
}
