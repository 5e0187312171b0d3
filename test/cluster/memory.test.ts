import { MemoryCluster } from './memory.ts';
import { itReadsAMissingApi } from './missing-api.ts';
import { describeCluster } from './suite.ts';

describeCluster('The cluster in memory', async () => {
  const cluster = new MemoryCluster();
  return {
    cluster,
    namespace: 'team-a',
    createWebsite: async (key, spec) => cluster.apply(key, spec),
    async createPod(name, labels) {
      const metadata = { name, namespace: 'team-a', uid: name, resourceVersion: '1', labels };
      cluster.pods.push({ metadata, spec: { containers: [{ name: 'webserver', image: 'nginx:1' }] } });
    },
    announced: async ({ metadata: { uid } }) => cluster.announced.filter((each) => each.uid === uid),
  };
});

itReadsAMissingApi(async () => {
  const cluster = new MemoryCluster();
  return {
    cluster,
    namespace: 'team-a',
    createWebsite: async (key, spec) => cluster.apply(key, spec),
    uninstall: async () => cluster.uninstall('HTTPRoute'),
  };
});
