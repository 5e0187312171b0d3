import { deploymentKind } from './deployment.ts';
import { horizontalPodAutoscalerKind } from './horizontal-pod-autoscaler.ts';
import { httpRouteKind } from './http-route.ts';
import { ingressKind } from './ingress.ts';
import type { Desired, KindOfChild } from './kind.ts';
import { podDisruptionBudgetKind } from './pod-disruption-budget.ts';
import { serviceKind } from './service.ts';

/** The kinds of children. To add one, write its file and add a line here (CONTRIBUTING.md lists the rest). */
const TABLE = {
  Deployment: deploymentKind,
  Service: serviceKind,
  Ingress: ingressKind,
  PodDisruptionBudget: podDisruptionBudgetKind,
  HTTPRoute: httpRouteKind,
  HorizontalPodAutoscaler: horizontalPodAutoscalerKind,
} as const;

type Table = typeof TABLE;
export type ChildKind = keyof Table;
/** A child of the given kind. */
export type ChildOfKind<Kind extends ChildKind> = Kind extends ChildKind ? ReturnType<Table[Kind]['merged']> : never;
export type Child = ChildOfKind<ChildKind>;

/** The children of one Website as they were read, by kind. */
export type Children = { readonly [Kind in ChildKind]?: ChildOfKind<Kind> | undefined };
/** The children that one Website should have, by kind. */
export type DesiredChildren = { readonly [Kind in ChildKind]?: Desired<ChildOfKind<Kind>> | undefined };

/** resourceVersions of a Website and its children, as far as they are known. */
export type Versions = Readonly<Partial<Record<'Website' | ChildKind, string>>>;

/** What the sender of an event saw of the Deployment: its version, or null if it is gone. */
export interface SeenVersions {
  readonly [CARRIER]?: string | null | undefined;
}

type AnyKind = KindOfChild<Child>;

/** All kinds, in table order. Put `always` kinds first: an obstacle to one of them keeps a plan from creating optional children. */
export const KINDS: readonly AnyKind[] = Object.values(TABLE);
export const CHILD_KINDS = Object.keys(TABLE) as readonly ChildKind[];
export const OPTIONAL_KINDS: readonly AnyKind[] = KINDS.filter(({ presence }) => presence === 'optional');
export const kindOf = (kind: ChildKind): AnyKind => TABLE[kind];
export const isOptional = (kind: ChildKind): boolean => TABLE[kind].presence === 'optional';
export const isChildKind = (text: string): text is ChildKind => Object.hasOwn(TABLE, text);

/** The Deployment. It is called the carrier because it carries the annotation that lists the optional children (marks.ts). */
export const CARRIER = 'Deployment' satisfies ChildKind;
export type Carrier = ChildOfKind<typeof CARRIER>;

/** The children that were read, or those that are desired, as a list. */
export const childrenIn = (children: Children): Child[] =>
  CHILD_KINDS.flatMap((kind): Child[] => {
    const child = children[kind];
    return child === undefined ? [] : [child];
  });
