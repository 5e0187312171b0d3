// Optional children that stay for now although the spec does not desire them, and stay listed on the Deployment.
import { CARRIER, OPTIONAL_KINDS, type ChildKind, type Children, type DesiredChildren } from '../children/kinds.ts';
import { outOf, type Scope } from './scope.ts';
import { markedKinds, withMarks } from '../plan/marks.ts';
import { isOwnedBy } from '../plan/ownership.ts';
import type { Website, WebsiteSpec } from '../resource.ts';

interface Seen {
  readonly website: Website;
  readonly spec: WebsiteSpec;
  /** The desired children of all kinds. */
  readonly wanted: DesiredChildren;
  readonly children: Children;
  readonly scope: Scope;
}

/**
 * The children that publish the site until their replacement is ready. So a site that moves from an Ingress to a Gateway stays
 * reachable while the Gateway does not serve it.
 */
export function keptMeanwhile({ website, spec, wanted, children, scope }: Seen): ReadonlySet<ChildKind> {
  const unseen = new Set(outOf(scope));
  const publishing = OPTIONAL_KINDS.filter((kind) => kind.url !== undefined);
  const isAwaited = publishing.some(
    (each) =>
      wanted[each.kind] !== undefined &&
      (unseen.has(each.kind) || isUnready(each.readiness?.(children[each.kind], spec))),
  );
  const isKept = (kind: ChildKind): boolean => {
    const child = children[kind];
    return wanted[kind] === undefined && child !== undefined && isOwnedBy(child, website);
  };
  return new Set(isAwaited ? publishing.map(({ kind }) => kind).filter(isKept) : []);
}

const isUnready = (judged: { readonly state: string } | undefined): boolean =>
  judged !== undefined && judged.state !== 'ready';

/** The desired children. The Deployment also lists the kinds that are kept, and its listed kinds that this run did not read. */
export function withKeptMarks(
  wanted: DesiredChildren,
  kept: ReadonlySet<ChildKind>,
  children: Children,
  scope: Scope,
): DesiredChildren {
  const carrier = wanted[CARRIER];
  if (carrier === undefined) return wanted;
  const listed = children[CARRIER] === undefined ? [] : markedKinds(children[CARRIER]);
  const unknown = outOf(scope).filter((kind) => listed.includes(kind));
  return { ...wanted, [CARRIER]: withMarks(carrier, [...markedKinds(carrier), ...kept, ...unknown]) };
}

/** The children without these, so that a plan leaves them alone. */
export const without = (children: Children, kept: ReadonlySet<ChildKind>): Children =>
  Object.fromEntries(Object.entries(children).filter(([kind]) => !kept.has(kind as ChildKind)));
