import type { Span } from '@opentelemetry/api';
import type { Cluster } from '../cluster/cluster.ts';

/** The same cluster for one run. The span gets an event when the run begins to read, to write and to write the status. */
export function markingStages(cluster: Cluster, span: Span): Cluster {
  let stage: string | undefined;
  const enter = (next: 'read' | 'read Pods' | 'write' | 'write status' | 'announce') => {
    if (next !== stage) span.addEvent(next);
    stage = next;
    return cluster;
  };
  return {
    ...cluster,
    async getWebsite(key, since) {
      const website = await enter('read').getWebsite(key, since);
      if (website !== undefined) span.setAttribute('website.uid', website.metadata.uid);
      return website;
    },
    getChild: (kind, key, from) => enter('read').getChild(kind, key, from),
    listPods: (namespace, labels) => enter('read Pods').listPods(namespace, labels),
    create: (child) => enter('write').create(child),
    replace: (child) => enter('write').replace(child),
    delete: (child) => enter('write').delete(child),
    scale: (website, replicas) => enter('write').scale(website, replicas),
    updateStatus: (website) => enter('write status').updateStatus(website),
    announce: (website, announcement) => enter('announce').announce(website, announcement),
  };
}
