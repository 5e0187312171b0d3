import type { V1Container } from '@kubernetes/client-node';
import { CLASS_FROM_SPEC, HAS_INGRESS, isLeftOver, isOwnedBy } from './children.ts';
import type { Child, ChildKind, Children, Deployment, Ingress, Json, Service } from './children.ts';
import { selectorOf, type Desired, type DesiredChildren, type DesiredMeta } from './desired.ts';
import { differences } from './differences.ts';
import { isSameAmount } from './quantity.ts';
import type { ObjectMeta, OwnerReference, Website } from './resource.ts';

type Container = Json<V1Container>;

/** One write to one child. */
export type Operation =
  | { readonly verb: 'create'; readonly child: Desired<Child> }
  /** `child` is what was read with our fields set in it, under the uid and resourceVersion that were read. */
  | { readonly verb: 'replace'; readonly child: Child; readonly changed: readonly string[] }
  | { readonly verb: 'delete'; readonly child: Child };

/** A child that stands in the way and is not ours to touch. */
export interface Obstacle {
  readonly kind: ChildKind;
  readonly name: string;
  /**
   * `foreign`: somebody else's. `left-over`: a deleted Website's of this name. `leaving`: ours, but being deleted.
   * `immutable`: ours, with another selector.
   */
  readonly why: 'foreign' | 'left-over' | 'leaving' | 'immutable';
}

export interface Plan {
  /** To be done in this order, each step at once: an Ingress exists only while its Deployment says so (`HAS_INGRESS`). */
  readonly steps: readonly (readonly Operation[])[];
  readonly obstacles: readonly Obstacle[];
}

/** What has to be written so that the children are as desired; no step when they are. What is neither wanted nor observed is none. */
export function plan(website: Website, wanted: Partial<DesiredChildren>, observed: Children): Plan {
  const obstacles: Obstacle[] = [];
  const operations: Operation[] = [];
  const consider = <T extends Child>(
    want: Desired<T> | undefined,
    have: T | undefined,
    merge: (have: T, want: Desired<T>) => T,
  ) => {
    const why = have === undefined ? undefined : obstacle(website, have);
    if (have !== undefined && why !== undefined) {
      // A foreign object matters only where it takes a name that we need.
      if (want !== undefined) obstacles.push({ kind: have.kind, name: have.metadata.name, why });
    } else {
      operations.push(...operation(want, have, merge));
    }
  };
  consider(wanted.deployment, observed.deployment, mergedDeployment);
  // An Ingress that no Deployment of ours knows of would stay when the host has left the spec.
  const isUnmarked = obstacles.length > 0 && observed.ingress === undefined;
  consider(wanted.service, observed.service, mergedService);
  if (!isUnmarked) consider(wanted.ingress, observed.ingress, mergedIngress);
  return { steps: inOrder(operations), obstacles };
}

function obstacle(website: Website, have: Child): Obstacle['why'] | undefined {
  if (isLeftOver(have, website)) return 'left-over';
  if (!isOwnedBy(have, website)) return 'foreign';
  if (have.metadata.deletionTimestamp !== undefined) return 'leaving';
  return have.kind === 'Deployment' && differences(have.spec.selector.matchLabels, selectorOf(website)).length > 0
    ? 'immutable'
    : undefined;
}

function operation<T extends Child>(
  want: Desired<T> | undefined,
  have: T | undefined,
  merge: (have: T, want: Desired<T>) => T,
): Operation[] {
  if (want === undefined) return have === undefined ? [] : [{ verb: 'delete', child: have }];
  if (have === undefined) return [{ verb: 'create', child: want }];
  if (lostItsClass(want, have))
    return [
      { verb: 'delete', child: have },
      { verb: 'create', child: want },
    ];
  const child = merge(have, want);
  const changed = differences(have, child);
  return changed.length === 0 ? [] : [{ verb: 'replace', child, changed }];
}

/** Only creation gives an Ingress the cluster's default class, so one whose class left the spec is made anew. */
const lostItsClass = (want: Desired<Child>, have: Child): boolean =>
  want.kind === 'Ingress' &&
  have.metadata.annotations?.[CLASS_FROM_SPEC] !== undefined &&
  want.metadata.annotations[CLASS_FROM_SPEC] === undefined;

function inOrder(operations: readonly Operation[]): Operation[][] {
  const isDelete = ({ verb }: Operation) => verb === 'delete';
  const isIngress = ({ child }: Operation) => child.kind === 'Ingress';
  return [
    operations.filter(isDelete),
    operations.filter((each) => !isDelete(each) && !isIngress(each)),
    operations.filter((each) => !isDelete(each) && isIngress(each)),
  ].filter((step) => step.length > 0);
}

// What follows lays our fields over what was read and keeps the rest: other writers' labels and annotations, the fields that
// the API server filled in, containers that somebody injected.

function mergedDeployment(have: Deployment, want: Desired<Deployment>): Deployment {
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

function mergedService(have: Service, want: Desired<Service>): Service {
  return { ...have, metadata: mergedMeta(have.metadata, want.metadata), spec: { ...have.spec, ...want.spec } };
}

function mergedIngress(have: Ingress, want: Desired<Ingress>): Ingress {
  return { ...have, metadata: mergedMeta(have.metadata, want.metadata), spec: { ...have.spec, ...want.spec } };
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
 * Ours among everybody's. One that makes us the controller stays as it is, whatever else it says: where the API server runs
 * OwnerReferencesPermissionEnforcement, as OpenShift does, to change an owner reference needs the right to delete the child.
 */
function mergedOwners(have: readonly OwnerReference[], want: readonly OwnerReference[]): readonly OwnerReference[] {
  const missing = want.filter(({ uid }) => have.every((owner) => owner.uid !== uid || owner.controller !== true));
  if (missing.length === 0) return have;
  return [...have.filter((owner) => missing.every(({ uid }) => uid !== owner.uid)), ...missing];
}

/** `create Deployment`, `replace Service`: how a write is named in replies and logs. */
export const actionOf = ({ verb, child }: Operation): string => `${verb} ${child.kind}`;
