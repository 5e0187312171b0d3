import { callersFrom, type Callers } from './callers/callers.ts';
import { withEntra } from './cluster/credentials/entra.ts';
import { keeping, KeptChildren } from './cluster/kept-children.ts';
import { kubernetes, roomForLarge } from './cluster/kubernetes.ts';
import { loggingLostEventsOnce } from './cluster/lost-events.ts';
import { loggingMissingPodsRightOnce } from './cluster/optional-pods.ts';
import { Places } from './cluster/places.ts';
import { Troubles } from './cluster/troubles.ts';
import { connect, connectLater, until, type Transport } from './cluster/transport.ts';
import { oneCluster, severalClusters, type Clusters } from './clusters.ts';
import type { Config } from './config.ts';
import type { History } from './history/history.ts';
import type { Context } from './website/reconcile.ts';
import type { Log } from './telemetry/log.ts';
import { callObserver, metricsFrom } from './telemetry/metrics.ts';
import { Thinned } from './telemetry/thinned.ts';
import { tracingFrom } from './telemetry/traces.ts';
import type { Tracing } from './telemetry/tracing.ts';

/** What every host passes to both functions. */
export interface FunctionContext extends Pick<Context, 'now' | 'defaults'> {
  readonly clusters: Clusters;
  readonly log: Log;
  /** Of the lines that every sender may cause. */
  readonly thinned: Thinned;
  /** Limits how many events are handled at once, including those of batches. */
  readonly places: Places;
  /** What runs did; absent if no history is kept. */
  readonly history?: History;
  /** Absent if no collector is configured. */
  readonly tracing?: Tracing;
  /** Aborted when the host is asked to stop. A resync then begins no further Website. */
  readonly stopping?: AbortSignal;
  readonly config: Pick<Config, 'clusterName' | 'namespaces' | 'replyEvents' | 'webhookAllowedOrigins'>;
}

/** The context, and what only a host needs. */
export type Connected = FunctionContext & {
  readonly callers: Callers;
  /** One line for each credential that could not be renewed. The previous one stays in use. */
  troubles(): readonly string[];
  /** Aborts `stopping`. */
  stop(): void;
  /** Writes the rest of the log and the history, closes all connections, and sends the last telemetry. Runs in progress fail. */
  close(): Promise<void>;
};

/** Connects to the configured clusters. @throws ClusterError if the kubeconfig names no cluster. */
export async function contextFrom(config: Config, log: Log): Promise<Connected> {
  const endMetrics = await metricsFrom(config, log);
  const troubles = new Troubles(log);
  const thinned = new Thinned(log);
  const { transports, clusters } = await clustersFrom(config, troubles, log);
  const callers = await callersFrom(config, transports, troubles, thinned);
  const history = await historyFrom(config, log);
  const tracing = await tracingFrom(config, log);
  const stopping = new AbortController();
  return {
    clusters,
    now: () => new Date(),
    defaults: config.defaults,
    log,
    thinned,
    places: new Places(config.maxConcurrent),
    ...(history === undefined ? {} : { history }),
    ...(tracing === undefined ? {} : { tracing }),
    stopping: stopping.signal,
    config,
    callers,
    troubles: () => troubles.lines(),
    stop: () => stopping.abort(),
    async close() {
      thinned.reportRest();
      try {
        await history?.close();
      } finally {
        // The last metrics count the records that were just written.
        await Promise.all([endMetrics(), tracing?.close(), ...transports.map((each) => each.close())]);
      }
    },
  };
}

/** Without HISTORY_URL, it does not load the code of the history. */
async function historyFrom({ history, clusterName = 'default' }: Config, log: Log): Promise<History | undefined> {
  if (history === undefined) return undefined;
  const { historyAt } = await import('./history/open.ts');
  return historyAt(history.address, { clusterName, days: history.days }, log);
}

/** Connects to a single cluster immediately, and to each of several clusters on its first event. */
async function clustersFrom({ address, contexts, namespaces }: Config, troubles: Troubles, log: Log) {
  const noting = loggingMissingPodsRightOnce(log);
  const lost = loggingLostEventsOnce(log);
  const room = roomForLarge();
  const served = (transport: Transport) => {
    const kept = new KeptChildren();
    const clusterOn = (given: Transport) => keeping(noting(kubernetes(given, namespaces, room, lost)), kept);
    return { cluster: clusterOn(transport), until: (startBy: number) => clusterOn(until(transport, startBy)), kept };
  };
  if (contexts === undefined) {
    const transport = await connect({ ...address, adapt: withEntra }, troubles, callObserver);
    openEarly(transport);
    const { cluster, until: clusterUntil, kept } = served(transport);
    return { transports: [transport], clusters: oneCluster(cluster, clusterUntil, kept) };
  }
  const transports: Transport[] = [];
  const clusters = await severalClusters(contexts, async (context) => {
    const transport = await connectLater({ ...address, context, adapt: withEntra }, troubles, callObserver);
    transports.push(transport);
    return served(transport);
  });
  return { transports, clusters };
}

/**
 * Opens a connection while the host starts and waits for its first event. Everybody may read the version. A failure has no effect: the
 * first event connects again, and reports the problem.
 */
function openEarly(transport: Transport): void {
  transport.json({ method: 'GET', path: '/version', what: 'get the version', turn: 'at once' }).catch(() => {});
}
