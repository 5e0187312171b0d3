import type { V1Container, V1SecurityContext } from '@kubernetes/client-node';
import { childName, CLASS_FROM_SPEC, GENERATION, HAS_INGRESS, MANAGED_BY, MANAGER } from './children.ts';
import type { ChildKind, Deployment, Ingress, Json, Service } from './children.ts';
import { ownerReferenceTo, selectorOf } from './ownership.ts';
import type { ObjectMeta, Website, WebsiteSpec } from './resource.ts';
import { STATED, statedText } from './stated.ts';

/** Name of the one container, which the seed's users know. */
export const CONTAINER = 'webserver';
/** Name of the container's port, so that the Service need not change with its number. */
const PORT = 'http';
const SERVICE_PORT = 80;

/** What a child should be: without the fields that the API server fills in. */
export type Desired<T extends { metadata: ObjectMeta }> = Omit<T, 'metadata' | 'status'> & {
  readonly metadata: DesiredMeta;
};
export type DesiredMeta = Pick<ObjectMeta, 'name' | 'namespace'> &
  Required<Pick<ObjectMeta, 'labels' | 'annotations' | 'ownerReferences'>>;

export interface DesiredChildren {
  readonly deployment: Desired<Deployment>;
  readonly service: Desired<Service>;
  readonly ingress: Desired<Ingress> | undefined;
}

/**
 * The children of a Website. Each is built fresh and holds only the fields that this project owns, spelled out as the API
 * server will store them, so that what was read can be compared with what is wanted.
 */
export function desired(website: Website, spec: WebsiteSpec): DesiredChildren {
  return {
    deployment: deployment(website, spec),
    service: service(website),
    ingress: spec.host === undefined ? undefined : ingress(website, spec, spec.host),
  };
}

function deployment(website: Website, spec: WebsiteSpec): Desired<Deployment> {
  const metadata = meta('Deployment', website);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...metadata,
      annotations: {
        ...generation(website),
        [STATED]: statedText(spec, website.metadata),
        ...(spec.host === undefined ? {} : { [HAS_INGRESS]: 'true' }),
      },
    },
    spec: {
      replicas: spec.replicas,
      selector: { matchLabels: selectorOf(website) },
      template: {
        metadata: { labels: metadata.labels },
        spec: { automountServiceAccountToken: false, containers: [container(spec)] },
      },
    },
  };
}

function container(spec: WebsiteSpec): Json<V1Container> {
  const securityContext = SECURITY_CONTEXTS[spec.securityProfile];
  return {
    name: CONTAINER,
    image: spec.image,
    imagePullPolicy: pullPolicy(spec.image),
    ports: [{ name: PORT, containerPort: spec.port, protocol: 'TCP' }],
    env: (spec.env ?? []).map(({ name, value }) => (value === '' ? { name } : { name, value })),
    resources: resources(spec),
    readinessProbe: {
      tcpSocket: { port: PORT },
      periodSeconds: 5,
      timeoutSeconds: 1,
      successThreshold: 1,
      failureThreshold: 3,
    },
    ...(securityContext === undefined ? {} : { securityContext }),
  };
}

/** The API server's own default, which it applies at creation only: without it, the policy would depend on the first image. */
export function pullPolicy(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const [, tag = 'latest'] = image.slice(image.lastIndexOf('/') + 1).split(':');
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function resources({ resources: { requests = {}, limits = {} } = {} }: WebsiteSpec) {
  return { requests: texts(requests), limits: texts(limits) };
}

const texts = (amounts: Record<string, string | number | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(amounts).flatMap(([name, amount]) => (amount === undefined ? [] : [[name, String(amount)]])),
  );

/** Source for `restricted`: the Pod Security Standards of Kubernetes. */
export const SECURITY_CONTEXTS: Readonly<Record<WebsiteSpec['securityProfile'], Json<V1SecurityContext> | undefined>> =
  {
    baseline: undefined,
    restricted: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };

function service(website: Website): Desired<Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta('Service', website),
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(website),
      ports: [{ name: PORT, protocol: 'TCP', port: SERVICE_PORT, targetPort: PORT }],
    },
  };
}

function ingress(website: Website, spec: WebsiteSpec, host: string): Desired<Ingress> {
  const backend = { service: { name: childName('Service', website.metadata.name), port: { name: PORT } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...meta('Ingress', website),
      annotations: {
        ...generation(website),
        ...(spec.ingressClassName === undefined ? {} : { [CLASS_FROM_SPEC]: 'true' }),
      },
    },
    spec: {
      ...(spec.ingressClassName === undefined ? {} : { ingressClassName: spec.ingressClassName }),
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      tls: spec.tlsSecretName === undefined ? [] : [{ hosts: [host], secretName: spec.tlsSecretName }],
    },
  };
}

const generation = ({ metadata }: Website): Record<string, string> => ({
  [GENERATION]: String(metadata.generation ?? 0),
});

function meta(kind: ChildKind, website: Website): DesiredMeta {
  const { name, namespace } = website.metadata;
  return {
    name: childName(kind, name),
    namespace,
    labels: {
      app: name,
      'app.kubernetes.io/name': name,
      'app.kubernetes.io/instance': name,
      'app.kubernetes.io/component': 'webserver',
      [MANAGED_BY]: MANAGER,
    },
    annotations: {},
    ownerReferences: [ownerReferenceTo(website)],
  };
}
