import { acceptance, ACCEPTANCE_REASONS, withoutTimes } from './http-route/acceptance.ts';
import { GATEWAY_API, type HttpRoute } from './http-route/object.ts';
import type { KindOfChild } from './kind.ts';
import { childName, desiredMeta, mergedMeta } from './metadata.ts';
import { hostsOf, pathsOf, schemeOf, urlFrom } from './published.ts';
import { SERVICE_PORT } from './service.ts';

const PATH_TYPES = { Prefix: 'PathPrefix', Exact: 'Exact' } as const;

/** Publishes the site under its hosts, through a Gateway. */
export const httpRouteKind: KindOfChild<HttpRoute> = {
  apiVersion: GATEWAY_API,
  kind: 'HTTPRoute',
  plural: 'httproutes',
  presence: 'optional',
  dependsOnSpec: true,
  optionalApi: 'the Gateway API, v1.0 or later (https://gateway-api.sigs.k8s.io/guides/getting-started)',

  desired(website, spec) {
    const hostnames = hostsOf(spec);
    if (spec.gateway === undefined || hostnames.length === 0) return undefined;
    const service = childName('Service', website.metadata.name);
    return {
      apiVersion: GATEWAY_API,
      kind: 'HTTPRoute',
      metadata: desiredMeta(httpRouteKind, website),
      // Defaults are spelled out, as the API server stores them.
      spec: {
        parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...spec.gateway }],
        hostnames,
        rules: [
          {
            matches: pathsOf(spec).map(({ path, type }) => ({ path: { type: PATH_TYPES[type], value: path } })),
            backendRefs: [{ group: '', kind: 'Service', name: service, port: SERVICE_PORT, weight: 1 }],
          },
        ],
      },
    };
  },
  merged: (have, want) => ({
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata),
    spec: { ...have.spec, ...want.spec },
  }),

  readiness: acceptance,
  readyReasons: ACCEPTANCE_REASONS,
  url: (_, spec) => urlFrom(spec, schemeOf(spec)),

  watchedStatus: withoutTimes,
};
