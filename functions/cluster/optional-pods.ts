import type { Cluster } from './cluster.ts';
import { ClusterError } from './errors.ts';

interface Log {
  warn(fields: object, message: string): void;
}

/** Logs once that the functions may not list Pods. Conditions then name no cause. That right is optional, so nothing fails. */
export function loggingMissingPodsRightOnce(log: Log): (cluster: Cluster) => Cluster {
  let isLogged = false;
  return (cluster) => ({
    ...cluster,
    async listPods(namespace, labels) {
      try {
        return await cluster.listPods(namespace, labels);
      } catch (error) {
        if (!isLogged && error instanceof ClusterError && error.code === 'Forbidden') {
          isLogged = true;
          log.warn({ why: error.message }, 'May not list Pods, so no condition says why a rollout is not done');
        }
        throw error;
      }
    },
  });
}
