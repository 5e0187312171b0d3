import { MemoryCluster } from './memory.ts';
import { describeCluster } from './suite.ts';

describeCluster('The cluster in memory', async () => {
  const cluster = new MemoryCluster();
  return {
    cluster,
    namespace: 'team-a',
    createWebsite: async (key, spec) => cluster.apply(key, spec),
    announced: async ({ metadata: { uid } }) => cluster.announced.filter((each) => each.uid === uid),
  };
});
