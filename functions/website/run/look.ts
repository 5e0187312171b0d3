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
export interface Look {
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
  /** Where to look instead if the new spec may concern other children. */
  readonly wider?: Look;
}

const always = KINDS.filter(({ presence }) => presence === 'always');
const lookAt = (kinds: readonly ChildKind[], marked: Look['marked']): Look => ({ kinds: new Set(kinds), marked });

/** For a Website that has no children yet. */
export const AT_NOTHING: Look = { ...lookAt([], 'none'), unseen: true };
/** Includes the children that may stay as desired and still stop being ready. */
export const AT_CARRIER: Look = lookAt([CARRIER], 'judges');
const dependent = always.filter(({ dependsOnSpec }) => dependsOnSpec).map(({ kind }) => kind);
/** For a new spec. It leaves out the children that stay the same, unless they may stop being ready. */
export const AT_SPEC: Look = {
  ...lookAt(dependent, 'judges'),
  mayLag: true,
  wider: { ...lookAt(dependent, 'all'), mayLag: true },
};
/** All children that the Website has, if the Deployment's annotation is right. */
export const AS_NEEDED: Look = lookAt(
  always.map(({ kind }) => kind),
  'all',
);
/** All kinds, including those that the Deployment's annotation omits. */
export const AT_EVERYTHING: Look = lookAt(CHILD_KINDS, 'all');

/**
 * Where to look after a change. This is the one place that decides it.
 * @param changed the kinds that changed. Empty means unknown.
 */
export function lookAfter(changed: readonly ('Website' | ChildKind)[]): Look {
  const children = changed.filter((kind) => kind !== 'Website');
  // The Deployment's annotation may not list an optional child that has just been created.
  if (children.some(isOptional)) return AT_EVERYTHING;
  if (changed.length === 0 || children.some((kind) => kind !== CARRIER)) return AS_NEEDED;
  return changed.includes('Website') ? AT_SPEC : AT_CARRIER;
}

/**
 * Once childMetadata was used, every child depends on the spec. So a look at a new spec includes all children that the Website has. The
 * Deployment's annotation records it. Without a Deployment, the look is widened too.
 */
export const widened = (look: Look, { [CARRIER]: carrier }: Children): Look =>
  look.marked === 'all' && (carrier === undefined || hasStatement(carrier))
    ? { ...look, kinds: new Set([...look.kinds, ...AS_NEEDED.kinds]) }
    : look;

const covers = ({ kinds, marked }: Look, kind: ChildKind): boolean =>
  kinds.has(kind) || (isOptional(kind) && isListedIn(marked, kind));

const isListedIn = (marked: Look['marked'], kind: ChildKind): boolean =>
  marked === 'all' || (marked === 'judges' && kindOf(kind).readiness !== undefined);

/** The kinds that a run does not look at. A run that creates all children unseen counts as having looked at them. */
export const overlooked = (look: Look): ChildKind[] =>
  look.unseen === true ? [] : CHILD_KINDS.filter((kind) => !covers(look, kind));

/** Whether the run reads every kind, including those that the Deployment's annotation omits. */
export const isComplete = (look: Look): boolean => CHILD_KINDS.every((kind) => look.kinds.has(kind));

/** Whether the run looks at every kind that defines `readiness`. A child can stop being ready while its spec stays as desired. */
export const seesReadiness = (look: Look): boolean =>
  overlooked(look).every((kind) => kindOf(kind).readiness === undefined);

/** The desired children of the kinds that the run looks at. */
export function partOf(children: DesiredChildren, look: Look): DesiredChildren {
  const without = new Set<string>(overlooked(look));
  return Object.fromEntries(Object.entries(children).filter(([kind]) => !without.has(kind)));
}

/**
 * Reads the children in at most two steps: the Deployment's annotations say which others may matter.
 * @param given.kept children that are not read.
 */
export async function readChildren(
  key: WebsiteKey,
  cluster: Cluster,
  look: Look,
  { kept = {}, from }: { readonly kept?: Children | undefined; readonly from?: 'cache' | undefined } = {},
): Promise<Children> {
  const { kinds, marked } = look;
  const readKinds = async (some: readonly ChildKind[]): Promise<Children> => {
    const read = some.map(async (kind) => {
      const child = Object.hasOwn(kept, kind) ? kept[kind] : await cluster.getChild(kind, key, from);
      return [kind, child] as const;
    });
    return Object.fromEntries(await Promise.all(read));
  };
  const first = await readKinds([...kinds]);
  const listed = marked === 'none' ? [] : possibleKinds(first[CARRIER]).filter((kind) => isListedIn(marked, kind));
  const more = [...widened(look, first).kinds, ...listed].filter((kind) => !kinds.has(kind));
  return more.length === 0 ? first : { ...first, ...(await readKinds(more)) };
}
