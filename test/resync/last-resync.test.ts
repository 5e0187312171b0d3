import { expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { lastResync, severalClusters } from '../../functions/clusters.ts';
import { resyncClusters } from '../../functions/resync-websites.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW } from '../fixtures/websites.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const LATER = new Date(NOW.getTime() + 60_000);

it('The last resync is that of the cluster with the oldest one, and failed resyncs do not count', async () => {
  let isAway = true;
  const east: Cluster = new MemoryCluster();
  const listWebsites = east.listWebsites.bind(east);
  east.listWebsites = () => {
    if (isAway) throw new ClusterError('Unreachable', 'away');
    return listWebsites();
  };
  const contexts = new Map([
    ['/west', 'west'],
    ['/east', 'east'],
  ]);
  const clusters = await severalClusters(contexts, async (context) => ({
    cluster: context === 'east' ? east : new MemoryCluster(),
  }));
  const resync = (now: Date) => resyncClusters(clusters.all, 'timer', { now: () => now, log });
  expect(lastResync(clusters)).toBeUndefined();
  await expect(resync(NOW)).rejects.toThrow('away');
  expect(lastResync(clusters)).toBeUndefined();
  isAway = false;
  await resync(NOW);
  expect(lastResync(clusters)).toEqual(NOW);
  isAway = true;
  await expect(resync(LATER)).rejects.toThrow('away');
  // The resync of west is newer, so east counts.
  expect(lastResync(clusters)).toEqual(NOW);
});
