// The Pod template of a Deployment: the desired one, and how it is laid over the one that was read.
import type { V1PodSpec, V1TopologySpreadConstraint } from '@kubernetes/client-node';
import { differences } from '../../differences.ts';
import type { Website, WebsiteSpec } from '../../resource.ts';
import type { Json } from '../kind.ts';
import { selectorOf } from '../metadata.ts';
import { container, mergedContainers } from './container.ts';
import { mergedVolumes, volumesOf } from './files.ts';
import { laidOver } from './laid.ts';
import { present } from './present.ts';
import { statementOf, type Stated } from './stated.ts';

type PodSpec = Json<V1PodSpec>;

/** Fields of the Pod that a spec may state. */
const FIELDS = [
  'imagePullSecrets',
  'serviceAccountName',
  // The old name of the field. The API server keeps both equal.
  'serviceAccount',
  'nodeSelector',
  'tolerations',
] as const satisfies readonly (keyof PodSpec)[];

export function podSpec(website: Website, spec: WebsiteSpec): PodSpec {
  const { imagePullSecrets, serviceAccountName, placement = {} } = spec;
  const { nodeSelector, tolerations } = placement;
  return {
    automountServiceAccountToken: spec.automountServiceAccountToken,
    ...(imagePullSecrets === undefined ? {} : { imagePullSecrets }),
    ...(serviceAccountName === undefined ? {} : { serviceAccountName, serviceAccount: serviceAccountName }),
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(tolerations === undefined ? {} : { tolerations: present(tolerations) }),
    topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((key) =>
      spread(website, key),
    ),
    containers: [container(spec)],
    ...volumesOf(spec),
  };
}

/** A preference: Pods that cannot be spread still start. */
const spread = (website: Website, topologyKey: string): Json<V1TopologySpreadConstraint> => ({
  maxSkew: 1,
  topologyKey,
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: { matchLabels: selectorOf(website) },
});

/** @param now what the spec states. @param before what it stated when the object was last written. */
export function mergedPodSpec(have: PodSpec, want: PodSpec, now: Stated, before: Stated): PodSpec {
  const statement = statementOf(now, before);
  const merge = mergedContainers(before, statement);
  const { volumes: _, ...rest } = laidOver(have, want, FIELDS, statement);
  const merged = {
    ...rest,
    ...(want.automountServiceAccountToken === undefined
      ? {}
      : { automountServiceAccountToken: want.automountServiceAccountToken }),
    containers: want.containers.reduce(merge, have.containers),
    ...mergedVolumes(have, want, now?.files, before?.files),
  };
  return differences(have, merged).length === 0 ? merged : withNewDefaults(have, merged, want);
}

/**
 * Defaults that a later release added to the Pod template. They come with a change that replaces the Pods anyway, so an upgrade of
 * the functions restarts no Pods.
 */
function withNewDefaults(have: PodSpec, merged: PodSpec, { topologySpreadConstraints }: PodSpec): PodSpec {
  const hasOwn = (have.topologySpreadConstraints ?? []).length > 0;
  return hasOwn || topologySpreadConstraints === undefined ? merged : { ...merged, topologySpreadConstraints };
}
