// Who decides how many Pods a site has: the spec, the site's own HorizontalPodAutoscaler, or something that scales the Website.
import type { Deployment } from './deployment/object.ts';
import type { WebsiteSpec } from '../resource.ts';

/** Whether the site has a HorizontalPodAutoscaler. It stays while the site is parked, and Kubernetes lets it do nothing then. */
export const isAutoscaled = ({ autoscaling }: WebsiteSpec): boolean => autoscaling?.maxReplicas !== undefined;

const limitsOf = ({ autoscaling: { minReplicas = 1, maxReplicas = Infinity } = {} }: WebsiteSpec) => ({
  least: minReplicas,
  most: maxReplicas,
});

/** The number that the spec states for the Deployment. Undefined while the Deployment's own number counts. */
export const fixedReplicas = (spec: WebsiteSpec): number | undefined =>
  isAutoscaled(spec) && spec.replicas !== 0 ? undefined : spec.replicas;

/** The number of Pods for a new Deployment, or for one that was parked. */
export function firstReplicas(spec: WebsiteSpec): number {
  const { least, most } = limitsOf(spec);
  return fixedReplicas(spec) ?? Math.min(Math.max(spec.replicas ?? least, least), most);
}

/** The fewest Pods that the site has while it works as declared. */
export const leastReplicas = (spec: WebsiteSpec): number => fixedReplicas(spec) ?? limitsOf(spec).least;

/** No HorizontalPodAutoscaler changes a Deployment at 0, so a Deployment that was parked needs a number to start from. */
export const needsFirstReplicas = ({ spec: { replicas } }: Deployment): boolean => replicas === 0;

/**
 * The number to write into a Website that something else scales, if its spec has no number. Without it, the API server cannot answer
 * a read of its scale. A running Deployment keeps its number.
 * @param deployment the Website's own, if there is one.
 */
export function missingReplicas(spec: WebsiteSpec, deployment: Deployment | undefined): number | undefined {
  if (spec.replicas !== undefined || isAutoscaled(spec)) return undefined;
  return deployment === undefined || needsFirstReplicas(deployment) ? 1 : (deployment.spec.replicas ?? 1);
}
