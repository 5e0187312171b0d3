import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/errors.ts';
import type { Refusal } from '../status/refused.ts';
import type { Website } from '../resource.ts';

/** How replies and logs name the write. */
export const SCALED = 'scale Website';

/**
 * Writes the number of replicas into a Website that something else scales. Returns a permanent refusal.
 * @throws ClusterError if a retry may help.
 */
export async function scale(
  website: Website,
  replicas: number,
  cluster: Cluster,
): Promise<'scaled' | readonly Refusal[]> {
  try {
    await cluster.scale(website, replicas);
    return 'scaled';
  } catch (error) {
    if (!(error instanceof ClusterError) || error.class !== 'terminal') throw error;
    return [{ reason: 'Rejected', message: error.message }];
  }
}
