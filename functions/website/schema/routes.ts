// Where a Website is published: its hosts, their paths and certificates.
import * as z from 'zod';
import { CHALLENGES, HOST, NAMESPACE, objectName, ROUTE_PATH } from './grammar.ts';
import { oneOf, withRules, type Rule } from './rules.ts';
import { matching } from './texts.ts';

/** 15 and `host` make 16, the limit of an HTTPRoute. */
const MOST_HOSTS = 15;
const MOST_PATHS = 16;

const host = matching(HOST).optional().describe('Host name under which the site is published.');

const hosts = z
  .array(matching(HOST))
  .max(MOST_HOSTS)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'set' })
  .describe('More host names under which the site is published.');

const routePath = withRules(
  z.object({
    path: matching(ROUTE_PATH).describe('Path that the site serves, such as /shop.'),
    type: z
      .enum(['Prefix', 'Exact'])
      .optional()
      .describe('Prefix includes all paths below. Exact is this path alone. Defaults to Prefix.')
      // The API server would write a schema default into the list, and Argo CD and kubectl apply would always see a difference.
      .transform((type = 'Prefix' as const) => type),
  }),
  [
    {
      cel: `!self.path.startsWith('${CHALLENGES}')`,
      holds: ({ path }) => !path.startsWith(CHALLENGES),
      message: `must not be below ${CHALLENGES}, where cert-manager proves that the host is yours`,
      field: 'path',
    },
  ],
);

const paths = z
  .array(routePath)
  .max(MOST_PATHS)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['path'] })
  .describe('Paths of the hosts that lead to the site. Defaults to all. Requires a host.');

const issuer = z
  .object({
    name: matching(objectName('an issuer')).describe('Name of the issuer.'),
    kind: z
      .enum(['Issuer', 'ClusterIssuer'])
      .default('Issuer')
      .describe('An Issuer of the same namespace, or a ClusterIssuer.'),
  })
  .optional()
  .describe('Issuer of cert-manager that makes the certificate. Its Secret is named after the Website: shop-tls.');

const tls = withRules(
  z.object({
    secretName: matching(objectName('a Secret'))
      .optional()
      .describe('Secret in the same namespace that holds the certificate.'),
    issuer,
  }),
  [oneOf('secretName', 'issuer')],
)
  .optional()
  .describe('TLS certificate for all hosts. Requires a host.');

const gateway = z
  .object({
    name: matching(objectName('a Gateway')).describe('Name of the Gateway. Its listener has the certificate.'),
    namespace: matching(NAMESPACE).optional().describe('Namespace of the Gateway. Defaults to that of the Website.'),
    sectionName: matching(objectName('a listener'))
      .optional()
      .describe('Name of one listener. Defaults to all listeners that fit.'),
  })
  .optional()
  .describe('Gateway that publishes the hosts, instead of an Ingress. Requires a host.');

export const routes = {
  host,
  hosts,
  paths,
  gateway,
  tls,
  tlsSecretName: matching(objectName('a Secret')).optional().describe('Short form of tls.secretName. Requires a host.'),
  ingressClassName: matching(objectName('an IngressClass'))
    .optional()
    .describe("IngressClass. Defaults to the cluster's default class. Requires a host."),
};

interface Routes {
  readonly host?: string | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly paths?: unknown;
  readonly gateway?: unknown;
  readonly tls?: { readonly issuer?: unknown } | undefined;
  readonly tlsSecretName?: unknown;
  readonly ingressClassName?: unknown;
}

const hasHost = (spec: Routes): boolean => spec.host !== undefined || (spec.hosts ?? []).length > 0;

const needsHost = (field: 'paths' | 'gateway' | 'tls' | 'tlsSecretName' | 'ingressClassName'): Rule<Routes> => ({
  cel: `has(self.host) || (has(self.hosts) && size(self.hosts) > 0) || !has(self.${field})`,
  holds: (spec) => hasHost(spec) || spec[field] === undefined,
  message: `${field} needs host or hosts`,
  field,
});

/** The rules between these fields. */
export const routeRules: readonly Rule<Routes>[] = [
  needsHost('paths'),
  needsHost('gateway'),
  needsHost('tls'),
  needsHost('tlsSecretName'),
  needsHost('ingressClassName'),
  {
    cel: '!has(self.tls) || !has(self.tlsSecretName)',
    holds: (spec) => spec.tls === undefined || spec.tlsSecretName === undefined,
    message: 'must be absent beside tls: write tls.secretName instead',
    field: 'tlsSecretName',
  },
  {
    cel: '!has(self.gateway) || !has(self.ingressClassName)',
    holds: (spec) => spec.gateway === undefined || spec.ingressClassName === undefined,
    message: 'must be absent beside gateway, which takes the place of the Ingress',
    field: 'ingressClassName',
  },
  {
    cel: '!has(self.gateway) || !has(self.tls) || !has(self.tls.issuer)',
    holds: (spec) => spec.gateway === undefined || spec.tls?.issuer === undefined,
    message: 'must be absent beside gateway: annotate the Gateway with the issuer, and write tls.secretName here',
    field: 'tls.issuer',
  },
];
