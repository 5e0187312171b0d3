import type { V1ServiceSpec } from '@kubernetes/client-node';
import { childName, desiredMeta, mergedMeta, selectorOf } from './metadata.ts';
import type { ChildOf, Desired, KindOfChild } from './kind.ts';
import { PORT_NAME } from './port.ts';

export type Service = ChildOf<'v1', 'Service', V1ServiceSpec>;

/** The Service always listens on this port. The container's port may differ. */
export const SERVICE_PORT = 80;

/** Fields that belong to other types of Service. The API server clears most of them with the type, and refuses some. */
const OF_OTHER_TYPES = {
  loadBalancerSourceRanges: undefined,
  loadBalancerIP: undefined,
  loadBalancerClass: undefined,
  allocateLoadBalancerNodePorts: undefined,
  externalTrafficPolicy: undefined,
  healthCheckNodePort: undefined,
  externalName: undefined,
};

const ofOtherTypes = (have: Service, want: Desired<Service>) =>
  have.spec.type === want.spec.type ? {} : OF_OTHER_TYPES;

/** Gives the Pods one address within the cluster. */
export const serviceKind: KindOfChild<Service> = {
  apiVersion: 'v1',
  kind: 'Service',
  plural: 'services',
  presence: 'always',
  dependsOnSpec: false,

  desired: (website) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: desiredMeta(serviceKind, website),
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(website),
      ports: [{ name: PORT_NAME, protocol: 'TCP', port: SERVICE_PORT, targetPort: PORT_NAME }],
    },
  }),
  merged: (have, want) => ({
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata),
    spec: { ...have.spec, ...ofOtherTypes(have, want), ...want.spec },
  }),
  selector: ({ spec }) => spec.selector,

  statusFields: ({ metadata }) => ({ serviceName: childName('Service', metadata.name) }),
  url: ({ metadata: { name, namespace } }) => `http://${childName('Service', name)}.${namespace}.svc`,
};
