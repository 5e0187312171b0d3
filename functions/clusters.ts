import * as z from 'zod';
import type { Cluster } from './cluster/cluster.ts';
import type { KeptChildren } from './cluster/kept-children.ts';
import { Joining } from './resync/joining.ts';
import { sourceOf } from './events/website-event.ts';
import type { Log } from './telemetry/log.ts';
import type { ResyncPlace, ResyncReport } from './resync/report.ts';

export const clusterName = z.string().regex(/^[-.a-zA-Z0-9_]{1,128}$/, 'must be letters, digits, - . _');

const contextProblem = 'each value must be the name of a context in the kubeconfig';
const isSource = (key: string): boolean => key.includes(':');

/** Parses `{"NAME": "CONTEXT", "https://SOURCE": "CONTEXT"}` into a map from event source to context. */
export const contextsBySource = z
  .string()
  .transform((text, issues): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      issues.addIssue('must be JSON');
      return z.NEVER;
    }
  })
  .pipe(
    z.record(
      z.string(),
      z.string(contextProblem).min(1, contextProblem),
      'must be an object that maps clusters to contexts',
    ),
  )
  .refine((given) => Object.keys(given).length > 0, 'must have at least one cluster')
  .refine(
    (given) => Object.keys(given).every((key) => isSource(key) || clusterName.safeParse(key).success),
    'each key must be a cluster name (letters, digits, - . _) or an event source',
  )
  .transform(
    (given) => new Map(Object.entries(given).map(([key, context]) => [isSource(key) ? key : sourceOf(key), context])),
  );

/** A cluster whose Websites this process reconciles. */
export interface ServedCluster {
  readonly cluster: Cluster;
  /** The same cluster with a deadline, on the monotonic clock. No call starts after it. */
  readonly until?: (startBy: number) => Cluster;
  readonly resyncPlace: ResyncPlace;
  /** When this process last completed a resync. */
  readonly resynced: { at: Date | undefined };
  /** What this process remembers of the children. */
  readonly kept?: KeptChildren;
  /** Runs one resync at a time. Requests that arrive meanwhile share the next one. */
  readonly resyncs: Joining<ResyncReport>;
  /** The context's name, if there are several clusters. */
  readonly label?: string;
}

export interface Clusters {
  readonly all: readonly ServedCluster[];
  /** The cluster that events of this source are about. A single cluster accepts every source. */
  of(source: string): ServedCluster | undefined;
}

const noResyncYet = () => ({
  resyncPlace: { last: undefined },
  resynced: { at: undefined },
  resyncs: new Joining<ResyncReport>(),
});

export function oneCluster(
  cluster: Cluster,
  until: (startBy: number) => Cluster = () => cluster,
  kept?: KeptChildren,
): Clusters {
  const only = { cluster, until, ...(kept === undefined ? {} : { kept }), ...noResyncYet() };
  return { all: [only], of: () => only };
}

/**
 * @param contexts contexts of the kubeconfig by event source. Several sources may map to one cluster.
 * @param clusterIn is called once for each context.
 */
export async function severalClusters(
  contexts: ReadonlyMap<string, string>,
  clusterIn: (context: string) => Promise<Pick<ServedCluster, 'cluster' | 'until' | 'kept'>>,
): Promise<Clusters> {
  const served = new Map<string, ServedCluster>();
  for (const label of new Set(contexts.values()))
    served.set(label, { ...(await clusterIn(label)), ...noResyncYet(), label });
  return { all: [...served.values()], of: (source) => served.get(contexts.get(source) ?? '') };
}

/** When this process last completed a resync of all clusters: the earliest of their times. */
export function lastResync({ all }: Clusters): Date | undefined {
  const times = all.map(({ resynced }) => resynced.at);
  return times.includes(undefined) ? undefined : times.toSorted((one, other) => Number(one) - Number(other))[0];
}

/**
 * Narrows a context to one cluster, and adds the cluster's label to each log line if there are several.
 * @param ms the time after which no further call starts.
 */
export function within<Given extends { readonly log: Log }>(
  { cluster: endless, until = () => endless, resyncPlace, kept, label }: ServedCluster,
  given: Given,
  ms: number,
): Given & Pick<ServedCluster, 'cluster' | 'resyncPlace' | 'kept' | 'label'> {
  const cluster = until(performance.now() + ms);
  const own = { ...given, cluster, resyncPlace, ...(kept === undefined ? {} : { kept }) };
  return label === undefined ? own : { ...own, label, log: labelled(given.log, label) };
}

const labelled = (log: Log, cluster: string): Log => ({
  debug: (fields: object, message?: string) => log.debug({ cluster, ...fields }, message),
  info: (fields: object, message?: string) => log.info({ cluster, ...fields }, message),
  warn: (fields: object, message?: string) => log.warn({ cluster, ...fields }, message),
  error: (fields: object, message?: string) => log.error({ cluster, ...fields }, message),
});
