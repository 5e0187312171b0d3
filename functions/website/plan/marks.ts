// The annotation on the Deployment that lists the optional children. It is written before such a child is created, and changed
// after the child is deleted. So the Deployment alone tells a run which optional children may exist (docs/adr/0004-fencing.md).
import { isChildKind, OPTIONAL_KINDS, type Carrier, type ChildKind } from '../children/kinds.ts';
import type { Desired } from '../children/kind.ts';
import { controllerOf, HAS_INGRESS, OPTIONAL_CHILDREN } from '../children/metadata.ts';
import { isWebsite } from './ownership.ts';
import type { ObjectMeta } from '../resource.ts';

type Annotated = { readonly metadata: Pick<ObjectMeta, 'annotations'> };

/** The kinds that the annotation lists. A newer release may have listed kinds that this one does not know. */
export function markedKinds({ metadata: { annotations = {} } }: Annotated): readonly string[] {
  const listed = (annotations[OPTIONAL_CHILDREN] ?? '').split(',').map((kind) => kind.trim());
  // During an upgrade, an older release may add its annotation next to ours.
  const older = annotations[HAS_INGRESS] === undefined ? [] : ['Ingress'];
  return [...new Set([...listed, ...older])].filter((kind) => KIND_NAME.test(kind));
}

/** Other text was written by hand. It would never go away, because no release deletes such a child. */
const KIND_NAME = /^[A-Z][A-Za-z]{0,62}$/;

/**
 * The optional kinds of which the Website may have a child: those that the Deployment lists. All of them if there is no Deployment, or
 * if no Website controls it.
 */
export function possibleKinds(carrier: Carrier | undefined): readonly ChildKind[] {
  const all = OPTIONAL_KINDS.map(({ kind }) => kind);
  const controller = carrier && controllerOf(carrier);
  if (carrier === undefined || controller === undefined || !isWebsite(controller)) return all;
  const marked = markedKinds(carrier);
  return all.filter((kind) => marked.includes(kind));
}

/** The Deployment with an annotation that lists exactly these kinds. Without kinds, it has no annotation. */
export function withMarks<T extends Carrier | Desired<Carrier>>(carrier: T, kinds: readonly string[]): T {
  const { [OPTIONAL_CHILDREN]: _, [HAS_INGRESS]: __, ...annotations } = carrier.metadata.annotations ?? {};
  const list = [...new Set(kinds)].toSorted().join(',');
  const mark = list === '' ? {} : { [OPTIONAL_CHILDREN]: list };
  return { ...carrier, metadata: { ...carrier.metadata, annotations: { ...annotations, ...mark } } };
}

/** Keeps kinds that this release does not know, so that a newer release still finds those children. */
export const withUnknownMarks = (carrier: Carrier, have: Carrier): Carrier => {
  const unknown = markedKinds(have).filter((kind) => !isChildKind(kind));
  return unknown.length === 0 ? carrier : withMarks(carrier, [...markedKinds(carrier), ...unknown]);
};

const MARKS: ReadonlySet<string> = new Set(
  [OPTIONAL_CHILDREN, HAS_INGRESS].map((name) => `metadata.annotations.${name}`),
);

/** Whether a path is that of the annotation, in its current or its older form. */
export const isMark = (path: string): boolean => MARKS.has(path);

/** Whether both list the same kinds, in either form. */
export const haveSameMarks = (one: Annotated, other: Annotated): boolean =>
  markedKinds(one).toSorted().join() === markedKinds(other).toSorted().join();
