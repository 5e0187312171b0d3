// Lays our fields over what was read, and keeps the rest: other writers' labels and annotations, the fields that the API server
// filled in, containers that somebody injected.
import { CLASS_FROM_SPEC, HAS_INGRESS, MANAGED_BY, type Deployment, type Ingress, type Service } from './children.ts';
import { mergedContainers } from './container.ts';
import type { Desired, DesiredMeta } from './desired.ts';
import type { ObjectMeta, OwnerReference } from './resource.ts';
import { formerly } from './stated.ts';

export function mergedDeployment(have: Deployment, want: Desired<Deployment>): Deployment {
  const { template } = have.spec;
  const wanted = want.spec.template;
  const labels = statedLabels(wanted.metadata?.labels);
  const merge = mergedContainers(formerly(have));
  return {
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata),
    spec: {
      ...have.spec,
      ...(want.spec.replicas === undefined ? {} : { replicas: want.spec.replicas }),
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
        spec: {
          ...template.spec,
          ...wanted.spec,
          containers: (wanted.spec?.containers ?? []).reduce(merge, template.spec?.containers ?? []),
        },
      },
    },
  };
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

/** What selects and lists our objects. A policy may have its own idea of the other labels, which people alone read. */
const statedLabels = (labels: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([label]) => label === 'app' || label === MANAGED_BY));

/** Our labels and annotations, and everybody else's. */
function mergedMeta(have: ObjectMeta, want: DesiredMeta): ObjectMeta {
  const { [HAS_INGRESS]: _, [CLASS_FROM_SPEC]: __, ...annotations } = have.annotations ?? {};
  return {
    ...have,
    labels: { ...have.labels, ...statedLabels(want.labels) },
    annotations: { ...annotations, ...want.annotations },
    ownerReferences: mergedOwners(have.ownerReferences ?? [], want.ownerReferences),
  };
}

/**
 * Ours in the place of any other controller, among everybody's. One that names us as the controller stays as it is, whatever else
 * it says: where the API server runs OwnerReferencesPermissionEnforcement, as OpenShift does, to change an owner reference needs the
 * right to delete the child.
 */
export function mergedOwners(
  have: readonly OwnerReference[],
  want: readonly OwnerReference[],
): readonly OwnerReference[] {
  const missing = want.filter((ours) => !have.some((owner) => owner.controller === true && isSameObject(owner, ours)));
  if (missing.length === 0) return have;
  const others = have.filter((owner) => owner.controller !== true && missing.every(({ uid }) => uid !== owner.uid));
  return [...others, ...missing];
}

const isSameObject = (one: OwnerReference, other: OwnerReference): boolean =>
  one.uid === other.uid && one.name === other.name && one.kind === other.kind && one.apiVersion === other.apiVersion;
