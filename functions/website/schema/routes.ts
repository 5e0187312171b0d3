// Where a Website is published: its hosts, their paths and certificates.
import * as z from 'zod';
import { HOST, objectName, ROUTE_PATH } from './grammar.ts';
import { oneOf, withRules, type Rule } from './rules.ts';
import { matching } from './texts.ts';

/** With `host` there are 16, which is the most that an HTTPRoute takes. */
const MOST_HOSTS = 15;
const MOST_PATHS = 16;

const host = matching(HOST).optional().describe('Host name under which an Ingress publishes the site.');

const hosts = z
  .array(matching(HOST))
  .max(MOST_HOSTS)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'set' })
  .describe('More host names under which an Ingress publishes the site.');

/** cert-manager adds paths below this one, and removes them, so the functions leave them alone. */
export const CHALLENGES = '/.well-known/acme-challenge/';

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

export const routes = {
  host,
  hosts,
  paths,
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
  readonly tls?: unknown;
  readonly tlsSecretName?: unknown;
  readonly ingressClassName?: unknown;
}

const hasHost = (spec: Routes): boolean => spec.host !== undefined || (spec.hosts ?? []).length > 0;

const needsHost = (field: 'paths' | 'tls' | 'tlsSecretName' | 'ingressClassName'): Rule<Routes> => ({
  cel: `has(self.host) || (has(self.hosts) && size(self.hosts) > 0) || !has(self.${field})`,
  holds: (spec) => hasHost(spec) || spec[field] === undefined,
  message: `${field} needs host or hosts`,
  field,
});

/** The rules between these fields. */
export const routeRules: readonly Rule<Routes>[] = [
  needsHost('paths'),
  needsHost('tls'),
  needsHost('tlsSecretName'),
  needsHost('ingressClassName'),
  {
    cel: '!has(self.tls) || !has(self.tlsSecretName)',
    holds: (spec) => spec.tls === undefined || spec.tlsSecretName === undefined,
    message: 'must be absent beside tls: write tls.secretName instead',
    field: 'tlsSecretName',
  },
];
