import type { Cluster } from '../../cluster/cluster.ts';
import { hasStatement } from '../plan/child-metadata.ts';
import {
  CARRIER,
  CHILD_KINDS,
  isOptional,
  kindOf,
  KINDS,
  type ChildKind,
  type Children,
  type DesiredChildren,
} from '../children/kinds.ts';
import { possibleKinds } from '../plan/marks.ts';
import type { WebsiteKey } from '../resource.ts';

/** The children that a run reads, judges and writes. It assumes that the others are as they were when the Website was last judged. */
export interface Scope {
  readonly kinds: ReadonlySet<ChildKind>;
  /**
   * Which of the optional children that the Deployment's annotation lists are included. `judges` are those that define `readiness`. `all`
   * also includes the children that depend on the spec only because of childMetadata (`widened`).
   */
  readonly marked: 'all' | 'judges' | 'none';
  /** Reads nothing and creates every desired child. If one exists already, its creation fails and the run reads everything. */
  readonly unseen?: true;
  /**
   * If the Website may come from a cache, so may the children. A run acts on such children only if it writes all of those that depend
   * on the spec. The API server refuses a write to a child that has changed since.
   */
  readonly mayLag?: true;
  /** The scope to use instead if the new spec may concern other children. */
  readonly wider?: Scope;
}

const always = KINDS.filter(({ presence }) => presence === 'always');
const alwaysPresent = always.map(({ kind }) => kind);
const dependent = always.filter(({ dependsOnSpec }) => dependsOnSpec).map(({ kind }) => kind);
const of = (kinds: readonly ChildKind[], marked: Scope['marked']): Scope => ({ kinds: new Set(kinds), marked });

export const SCOPES = {
  /** For a Website that has no children yet. */
  nothing: { ...of([], 'none'), unseen: true },
  /** Includes the children that may stay as desired and still stop being ready. */
  carrier: of([CARRIER], 'judges'),
  /** For a new spec. It leaves out the children that stay the same, unless they may stop being ready. */
  spec: { ...of(dependent, 'judges'), mayLag: true, wider: { ...of(dependent, 'all'), mayLag: true } },
  /** All children that the Website has, if the Deployment's annotation is right. */
  asNeeded: of(alwaysPresent, 'all'),
  /** All kinds, including those that the Deployment's annotation omits. */
  everything: of(CHILD_KINDS, 'all'),
} as const satisfies Readonly<Record<string, Scope>>;

/**
 * The scope of a run after a change. This is the one place that decides it.
 * @param changed the kinds that changed. Empty means unknown.
 */
export function scopeAfter(changed: readonly ('Website' | ChildKind)[]): Scope {
  const children = changed.filter((kind) => kind !== 'Website');
  // The Deployment's annotation may not list an optional child that has just been created.
  if (children.some(isOptional)) return SCOPES.everything;
  if (changed.length === 0 || children.some((kind) => kind !== CARRIER)) return SCOPES.asNeeded;
  return changed.includes('Website') ? SCOPES.spec : SCOPES.carrier;
}

/**
 * Once childMetadata was used, every child depends on the spec. So the scope of a new spec includes all children that the Website has.
 * The Deployment's annotation records it. Without a Deployment, the scope is widened too.
 */
export const widened = (scope: Scope, { [CARRIER]: carrier }: Children): Scope =>
  scope.marked === 'all' && (carrier === undefined || hasStatement(carrier))
    ? { ...scope, kinds: new Set([...scope.kinds, ...SCOPES.asNeeded.kinds]) }
    : scope;

const covers = ({ kinds, marked }: Scope, kind: ChildKind): boolean =>
  kinds.has(kind) || (isOptional(kind) && isListedIn(marked, kind));

const isListedIn = (marked: Scope['marked'], kind: ChildKind): boolean =>
  marked === 'all' || (marked === 'judges' && kindOf(kind).readiness !== undefined);

/** The kinds that are out of scope. A run that creates all children unseen counts as having read them. */
export const outOf = (scope: Scope): ChildKind[] =>
  scope.unseen === true ? [] : CHILD_KINDS.filter((kind) => !covers(scope, kind));

/** Whether the run reads every kind, including those that the Deployment's annotation omits. */
export const isComplete = (scope: Scope): boolean => CHILD_KINDS.every((kind) => scope.kinds.has(kind));

/** Whether the scope has every kind that defines `readiness`. A child can stop being ready while its spec stays as desired. */
export const seesReadiness = (scope: Scope): boolean =>
  outOf(scope).every((kind) => kindOf(kind).readiness === undefined);

/** The desired children that are in scope. */
export function partOf(children: DesiredChildren, scope: Scope): DesiredChildren {
  const without = new Set<string>(outOf(scope));
  return Object.fromEntries(Object.entries(children).filter(([kind]) => !without.has(kind)));
}

/**
 * Reads the children in at most two steps: the Deployment's annotations say which others may matter.
 * @param given.kept children that are not read.
 */
export async function readChildren(
  key: WebsiteKey,
  cluster: Cluster,
  scope: Scope,
  { kept = {}, from }: { readonly kept?: Children | undefined; readonly from?: 'cache' | undefined } = {},
): Promise<Children> {
  const { kinds, marked } = scope;
  const readKinds = async (some: readonly ChildKind[]): Promise<Children> => {
    const read = some.map(async (kind) => {
      const child = Object.hasOwn(kept, kind) ? kept[kind] : await cluster.getChild(kind, key, from);
      return [kind, child] as const;
    });
    return Object.fromEntries(await Promise.all(read));
  };
  const first = await readKinds([...kinds]);
  const listed = marked === 'none' ? [] : possibleKinds(first[CARRIER]).filter((kind) => isListedIn(marked, kind));
  const more = [...widened(scope, first).kinds, ...listed].filter((kind) => !kinds.has(kind));
  return more.length === 0 ? first : { ...first, ...(await readKinds(more)) };
}
