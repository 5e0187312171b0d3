// Stands in for the controller of a Gateway, which writes the status of routes.
import { kubernetes } from '../functions/cluster/kubernetes.ts';
import type { Transport } from '../functions/cluster/transport.ts';
import type { HttpRoute, RouteParent } from '../functions/website/children/http-route/object.ts';
import type { WebsiteKey } from '../functions/website/resource.ts';
import { eventually } from './eventually.ts';

type Condition = NonNullable<RouteParent['conditions']>[number];

/** What a controller says about a route that it serves, or does not. */
export function statusBy(route: HttpRoute, conditions: readonly Partial<Condition>[], rest: object = {}) {
  const [parentRef] = route.spec.parentRefs ?? [];
  if (parentRef === undefined) throw new Error('The route has no parent');
  const said = conditions.map((each) => ({
    type: 'Accepted',
    status: 'True',
    reason: 'Accepted',
    message: '',
    observedGeneration: route.metadata.generation ?? 0,
    lastTransitionTime: '2026-01-02T03:04:05Z',
    ...each,
  }));
  return { parents: [{ parentRef, controllerName: 'example.com/gateway', conditions: said, ...rest }] };
}

export const acceptedBy = (route: HttpRoute) =>
  statusBy(route, [{ type: 'Accepted' }, { type: 'ResolvedRefs', reason: 'ResolvedRefs' }]);

/** Accepts the route of a Website once it has this host, as the controller of its Gateway would. */
export async function serve(
  transport: Transport,
  { namespace, name }: WebsiteKey,
  host: string,
  status: (route: HttpRoute) => object = acceptedBy,
): Promise<void> {
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/${name}-httproute`;
  await eventually(async () => {
    const route = (await transport.json({ method: 'GET', path, what: `get ${path}` })) as HttpRoute;
    const { hostnames = [] } = route.spec;
    if (!hostnames.includes(host)) throw new Error(`The route has other hosts: ${hostnames.join()}`);
    await accept(transport, route, status);
  });
}

/** Accepts the route of a Website if it has one. @returns whether it has. */
export async function serveIfRouted(transport: Transport, key: WebsiteKey): Promise<boolean> {
  const route = await kubernetes(transport).getChild('HTTPRoute', key);
  if (route !== undefined) await accept(transport, route);
  return route !== undefined;
}

/** Says this of a route, as the controller of its Gateway would. */
async function accept(
  transport: Transport,
  route: HttpRoute,
  status: (route: HttpRoute) => object = acceptedBy,
): Promise<void> {
  const { namespace, name } = route.metadata;
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/${name}/status`;
  await transport.json({ method: 'PUT', path, what: `update ${path}`, body: { ...route, status: status(route) } });
}
