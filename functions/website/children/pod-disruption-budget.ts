import type { V1PodDisruptionBudgetSpec } from '@kubernetes/client-node';
import { leastReplicas } from './replicas.ts';
import { desiredMeta, mergedMeta, selectorOf } from './metadata.ts';
import type { ChildOf, KindOfChild } from './kind.ts';

export type PodDisruptionBudget = ChildOf<'policy/v1', 'PodDisruptionBudget', V1PodDisruptionBudgetSpec>;

/** A budget for one replica would block every drain of its node. */
const LEAST_REPLICAS = 2;

/** Lets voluntary disruptions, such as the drain of a node, take one Pod at a time. */
export const podDisruptionBudgetKind: KindOfChild<PodDisruptionBudget> = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  presence: 'optional',
  dependsOnSpec: true,

  desired(website, spec) {
    if (leastReplicas(spec) < LEAST_REPLICAS || spec.disruptionBudget === 'None') return undefined;
    return {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: desiredMeta(podDisruptionBudgetKind, website),
      spec: {
        maxUnavailable: 1,
        selector: { matchLabels: selectorOf(website) },
        // Otherwise a Pod that never becomes ready blocks the drain of its node.
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    };
  },
  merged(have, want) {
    // The API allows one of minAvailable and maxUnavailable.
    const { minAvailable: _, ...others } = have.spec;
    return { ...have, metadata: mergedMeta(have.metadata, want.metadata), spec: { ...others, ...want.spec } };
  },
  selector: ({ spec }) => spec.selector?.matchLabels,
};
