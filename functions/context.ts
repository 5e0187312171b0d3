import { callersFrom, type Callers } from './callers/callers.ts';
import { kubernetes, roomForLarge } from './cluster/kubernetes.ts';
import { Places } from './cluster/places.ts';
import { Troubles } from './cluster/troubles.ts';
import { connect, connectLater, until, type Transport } from './cluster/transport.ts';
import { oneCluster, severalClusters, type Clusters } from './clusters.ts';
import type { Config } from './config.ts';
import type { Context } from './website/reconcile.ts';
import type { Log } from './telemetry/log.ts';

/** What both functions are given by every host. */
export interface FunctionContext extends Pick<Context, 'now'> {
  readonly clusters: Clusters;
  readonly log: Log;
  /** For the events that are worked on at once, those of batches too. */
  readonly places: Places;
  readonly config: Pick<Config, 'clusterName' | 'namespaces' | 'replyEvents' | 'webhookAllowedOrigins'>;
}

/** All that a host needs. */
export type Connected = FunctionContext & {
  readonly callers: Callers;
  /** What cannot be used for now and has something older in its place, a line each. */
  troubles(): readonly string[];
  close(): Promise<void>;
};

/** Connects to the clusters of the configuration. @throws ClusterError when a kubeconfig names none. */
export async function contextFrom(config: Config, log: Log): Promise<Connected> {
  const troubles = new Troubles(log);
  const { transports, clusters } = await clustersFrom(config, troubles);
  const callers = await callersFrom(config, transports, troubles);
  return {
    clusters,
    now: () => new Date(),
    log,
    places: new Places(config.maxConcurrent),
    config,
    callers,
    troubles: () => troubles.lines(),
    async close() {
      await Promise.all(transports.map((each) => each.close()));
    },
  };
}

/** The only cluster is spoken to at once; of several, each with its first event. */
async function clustersFrom({ address, contexts, namespaces }: Config, troubles: Troubles) {
  const room = roomForLarge();
  const served = (transport: Transport) => ({
    cluster: kubernetes(transport, namespaces, room),
    until: (startBy: number) => kubernetes(until(transport, startBy), namespaces, room),
  });
  if (contexts === undefined) {
    const transport = await connect(address, troubles);
    const { cluster, until: clusterUntil } = served(transport);
    return { transports: [transport], clusters: oneCluster(cluster, clusterUntil) };
  }
  const transports: Transport[] = [];
  const clusters = severalClusters(contexts, (context) => {
    const transport = connectLater({ ...address, context }, troubles);
    transports.push(transport);
    return served(transport);
  });
  return { transports, clusters };
}
