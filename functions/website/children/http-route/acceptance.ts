import type { ReadyReason, Verdict } from '../../reasons.ts';
import { shortened } from '../../shortened.ts';
import type { HttpRoute, ParentRef, RouteParent } from './object.ts';

/** Every reason that `acceptance` may give. */
export const ACCEPTANCE_REASONS = ['Available', 'NotRouted'] as const satisfies readonly ReadyReason[];

/** The conditions that a controller must set to True on a route that it serves. */
const CONDITIONS = ['Accepted', 'ResolvedRefs'] as const;

/**
 * Reasons that usually go away: the Gateway is being set up, or its controller has not seen our new Service yet.
 * Source: RouteReasonPending and RouteReasonBackendNotFound of sigs.k8s.io/gateway-api/apis/v1.
 */
const PASSING: ReadonlySet<string> = new Set(['Pending', 'BackendNotFound']);

/** Longest message of the route that ours quotes, in bytes. */
const LONGEST_QUOTE = 1024;

/** Whether the Gateway serves the route. Each controller that judges it must agree, at the current generation of the route. */
export function acceptance(route: HttpRoute | undefined): Verdict {
  if (route === undefined) return notYet('Creating the HTTPRoute');
  const [ours] = route.spec.parentRefs ?? [];
  const parents = (route.status?.parents ?? []).filter(
    ({ parentRef }) => ours !== undefined && isSameParent(parentRef, ours, route.metadata.namespace),
  );
  const judgements = parents.map((parent) => CONDITIONS.map((type) => judgementOf(route, parent, type)));
  const failed = judgements.flat().find((judgement) => judgement?.status === 'False');
  if (failed !== undefined) return refused(route, failed);
  const isServed = judgements.some((each) => each.every((judgement) => judgement?.status === 'True'));
  return isServed
    ? { state: 'ready', reason: 'Available', message: `Gateway ${gatewayOf(route)} routes to the site` }
    : notYet(
        `Waiting for Gateway ${gatewayOf(route)} to accept HTTPRoute ${route.metadata.name}. If it takes long, check that the Gateway exists and has a controller`,
      );
}

const notYet = (message: string): Verdict => ({ state: 'progressing', reason: 'NotRouted', message });

type Judgement = NonNullable<RouteParent['conditions']>[number];

/** Undefined if the controller has not judged this generation, or only adds conditions of its own. */
const judgementOf = (
  { metadata }: HttpRoute,
  { conditions = [] }: RouteParent,
  wanted: string,
): Judgement | undefined =>
  conditions.find(({ type, observedGeneration }) => type === wanted && observedGeneration === metadata.generation);

function refused(route: HttpRoute, { type, reason = 'Unknown', message }: Judgement): Verdict {
  const what =
    type === 'Accepted'
      ? `Gateway ${gatewayOf(route)} does not accept HTTPRoute ${route.metadata.name}`
      : `Gateway ${gatewayOf(route)} cannot resolve what HTTPRoute ${route.metadata.name} refers to`;
  const why = message === undefined || message === '' ? reason : `${reason}: ${shortened(message, LONGEST_QUOTE)}`;
  return { state: PASSING.has(reason) ? 'progressing' : 'stalled', reason: 'NotRouted', message: `${what}: ${why}` };
}

function gatewayOf({ metadata, spec }: HttpRoute): string {
  const [{ name, namespace = metadata.namespace } = { name: '' }] = spec.parentRefs ?? [];
  return `${namespace}/${name}`;
}

/** Controllers may spell out the defaults of a reference, or repeat it as it is. */
const isSameParent = (one: ParentRef, other: ParentRef, namespace: string): boolean =>
  textOf(one, namespace) === textOf(other, namespace);

const textOf = (
  { group = 'gateway.networking.k8s.io', kind = 'Gateway', name, namespace, sectionName = '' }: ParentRef,
  ofRoute: string,
): string => [group, kind, namespace ?? ofRoute, name, sectionName].join('/');

/** The status without the conditions' times, which change although nothing has happened. */
export function withoutTimes(status: unknown): unknown {
  const { parents } = (status ?? {}) as NonNullable<HttpRoute['status']>;
  if (!Array.isArray(parents)) return undefined;
  return parents.map(({ parentRef, conditions = [] }: RouteParent) => [
    parentRef,
    conditions.map(({ type, status: value, observedGeneration, reason, message }) => [
      type,
      value,
      observedGeneration,
      reason,
      message,
    ]),
  ]);
}
