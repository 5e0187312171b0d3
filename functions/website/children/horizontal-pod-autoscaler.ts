import type { V2HorizontalPodAutoscalerSpec, V2MetricSpec } from '@kubernetes/client-node';
import type { WebsiteSpec } from '../resource.ts';
import { childName, desiredMeta, mergedMeta } from './metadata.ts';
import type { ChildOf, Json, KindOfChild } from './kind.ts';

export type HorizontalPodAutoscaler = ChildOf<
  'autoscaling/v2',
  'HorizontalPodAutoscaler',
  V2HorizontalPodAutoscalerSpec
>;

/** The API server's default for an autoscaler without metrics. */
const CPU_PERCENT = 80;

/** Decides how many Pods there are. It stays while the site is parked: Kubernetes lets it do nothing to a Deployment at 0. */
export const horizontalPodAutoscalerKind: KindOfChild<HorizontalPodAutoscaler> = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  presence: 'optional',
  dependsOnSpec: true,

  desired(website, spec) {
    const { minReplicas = 1, maxReplicas } = spec.autoscaling ?? {};
    if (maxReplicas === undefined) return undefined;
    const name = childName('Deployment', website.metadata.name);
    return {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: desiredMeta(horizontalPodAutoscalerKind, website),
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas,
        maxReplicas,
        metrics: metricsOf(spec),
      },
    };
  },
  // `behavior`, which sets how fast it scales, belongs to other writers.
  merged: (have, want) => ({
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata),
    spec: { ...have.spec, ...want.spec },
  }),

  publicPaths: /^spec\.(min|max)Replicas$/,
};

function metricsOf({ autoscaling: { cpuPercent, memoryPercent } = {} }: WebsiteSpec): Json<V2MetricSpec>[] {
  const cpu = cpuPercent ?? (memoryPercent === undefined ? CPU_PERCENT : undefined);
  return [
    ...(cpu === undefined ? [] : [utilization('cpu', cpu)]),
    ...(memoryPercent === undefined ? [] : [utilization('memory', memoryPercent)]),
  ];
}

const utilization = (name: string, averageUtilization: number): Json<V2MetricSpec> => ({
  type: 'Resource',
  resource: { name, target: { type: 'Utilization', averageUtilization } },
});
