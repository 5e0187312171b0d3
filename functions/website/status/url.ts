import { kindOf, KINDS, type ChildKind, type Children } from '../children/kinds.ts';
import type { Operation, Plan } from '../plan/plan.ts';
import type { Website, WebsiteSpec } from '../resource.ts';

interface Routes {
  readonly spec: WebsiteSpec;
  readonly children: Children;
  /** The writes that are still missing. A child that this run did not look at was as desired. */
  readonly remaining: Plan;
}

/**
 * The URL of the outermost route: the Ingress or HTTPRoute if the spec desires one, or else the Service. Undefined while one of these
 * children is missing, refused, not as desired or not ready.
 */
export function urlOf(website: Website, routes: Routes): string | undefined {
  let url: string | undefined;
  for (const kind of KINDS) {
    if (kind.url === undefined || kind.desired(website, routes.spec) === undefined) continue;
    if (!leads(kind.kind, routes)) return undefined;
    url = kind.url(website, routes.spec);
  }
  return url;
}

function leads(kind: ChildKind, { spec, children, remaining: { steps, obstacles } }: Routes): boolean {
  // While there is an obstacle, the plan may omit an optional child. So its absence from the plan proves nothing.
  const isUnknown = kindOf(kind).presence === 'optional' && obstacles.length > 0 && children[kind] === undefined;
  const isBlocked = obstacles.some((obstacle) => obstacle.kind === kind);
  const isOther = steps.flat().some((operation) => operation.child.kind === kind && reroutes(operation));
  if (isUnknown || isBlocked || isOther) return false;
  const { state } = kindOf(kind).readiness?.(children[kind], spec) ?? { state: 'ready' };
  return state === 'ready';
}

/** A change of labels or annotations changes no route. */
const reroutes = (operation: Operation): boolean =>
  operation.verb !== 'replace' || operation.changed.some((path) => path.startsWith('spec'));
