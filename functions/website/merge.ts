// Lays our fields over what was read, and keeps the rest: other writers' labels and annotations, the fields that the API server
// filled in, containers that somebody injected.
import type { V1Container } from '@kubernetes/client-node';
import { CLASS_FROM_SPEC, HAS_INGRESS, type Deployment, type Ingress, type Json, type Service } from './children.ts';
import type { Desired, DesiredMeta } from './desired.ts';
import { isSameAmount } from './quantity.ts';
import type { ObjectMeta, OwnerReference } from './resource.ts';

type Container = Json<V1Container>;

export function mergedDeployment(have: Deployment, want: Desired<Deployment>): Deployment {
  const { template } = have.spec;
  const wanted = want.spec.template;
  return {
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata),
    spec: {
      ...have.spec,
      ...(want.spec.replicas === undefined ? {} : { replicas: want.spec.replicas }),
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...wanted.metadata?.labels } },
        spec: {
          ...template.spec,
          ...wanted.spec,
          containers: (wanted.spec?.containers ?? []).reduce(mergedContainers, template.spec?.containers ?? []),
        },
      },
    },
  };
}

function mergedContainers(have: readonly Container[], want: Container): Container[] {
  if (have.every(({ name }) => name !== want.name)) return [...have, want];
  return have.map((container) => (container.name === want.name ? mergedContainer(container, want) : container));
}

/** These fields of our container are ours whole: what is not desired in them goes, whoever wrote it. */
function mergedContainer(have: Container, want: Container): Container {
  const { securityContext: _, ...rest } = have;
  return { ...rest, ...want, resources: mergedResources(have.resources, want.resources) };
}

/** An amount that the API server wrote in its own way stays as it wrote it. */
function mergedResources(have: Container['resources'], want: Container['resources']): Container['resources'] & {} {
  const merged = (part: 'requests' | 'limits') =>
    Object.fromEntries(
      Object.entries(want?.[part] ?? {}).map(([name, amount]) => {
        const stored = have?.[part]?.[name];
        return [name, stored !== undefined && isSameAmount(stored, amount) ? stored : amount];
      }),
    );
  return { ...have, requests: merged('requests'), limits: merged('limits') };
}

/** What the API allows or means for other types of Service only. It clears most of them with the type, and refuses some. */
const OF_OTHER_TYPES = {
  loadBalancerSourceRanges: undefined,
  loadBalancerIP: undefined,
  loadBalancerClass: undefined,
  allocateLoadBalancerNodePorts: undefined,
  externalTrafficPolicy: undefined,
  healthCheckNodePort: undefined,
  externalName: undefined,
};

export function mergedService(have: Service, want: Desired<Service>): Service {
  const others = have.spec.type === want.spec.type ? {} : OF_OTHER_TYPES;
  return {
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata),
    spec: { ...have.spec, ...others, ...want.spec },
  };
}

export function mergedIngress(have: Ingress, want: Desired<Ingress>): Ingress {
  const rules = (want.spec.rules ?? []).map((rule) =>
    withChallenges(
      have.spec.rules?.find(({ host }) => host === rule.host),
      rule,
    ),
  );
  return { ...have, metadata: mergedMeta(have.metadata, want.metadata), spec: { ...have.spec, ...want.spec, rules } };
}

/**
 * Where cert-manager proves to an authority that the host is ours (ACME, HTTP-01), it may add a path to our rule and take it away
 * again. No page of the site is there.
 */
const CHALLENGES = '/.well-known/acme-challenge/';

const isChallenge = ({ path }: { path?: string }): boolean => path?.startsWith(CHALLENGES) === true;

type Rule = NonNullable<Ingress['spec']['rules']>[number];

/** Our rule with the challenges of the one that was read, where they were. */
function withChallenges(have: Rule | undefined, want: Rule): Rule {
  const paths = have?.http?.paths ?? [];
  const ours = want.http?.paths ?? [];
  const place = paths.findIndex(({ path }) => path === ours[0]?.path);
  const [before, after] = place === -1 ? [paths, []] : [paths.slice(0, place), paths.slice(place)];
  return { ...want, http: { paths: [...before.filter(isChallenge), ...ours, ...after.filter(isChallenge)] } };
}

/** Our labels and annotations, and everybody else's. */
function mergedMeta(have: ObjectMeta, want: DesiredMeta): ObjectMeta {
  const { [HAS_INGRESS]: _, [CLASS_FROM_SPEC]: __, ...annotations } = have.annotations ?? {};
  return {
    ...have,
    labels: { ...have.labels, ...want.labels },
    annotations: { ...annotations, ...want.annotations },
    ownerReferences: mergedOwners(have.ownerReferences ?? [], want.ownerReferences),
  };
}

/**
 * Ours in the place of any other controller, among everybody's. One that makes us the controller stays as it is, whatever else it
 * says: where the API server runs OwnerReferencesPermissionEnforcement, as OpenShift does, to change an owner reference needs the
 * right to delete the child.
 */
export function mergedOwners(
  have: readonly OwnerReference[],
  want: readonly OwnerReference[],
): readonly OwnerReference[] {
  const missing = want.filter(({ uid }) => have.every((owner) => owner.uid !== uid || owner.controller !== true));
  if (missing.length === 0) return have;
  const others = have.filter((owner) => owner.controller !== true && missing.every(({ uid }) => uid !== owner.uid));
  return [...others, ...missing];
}
