import * as z from 'zod';
import type { Cluster } from './cluster/cluster.ts';
import { Joining } from './resync/joining.ts';
import { sourceOf } from './events/website-event.ts';
import type { Log } from './telemetry/log.ts';
import type { ResyncPlace, ResyncReport } from './resync/report.ts';

export const clusterName = z.string().regex(/^[-.a-zA-Z0-9_]{1,128}$/, 'must be letters, digits, - . _');

const noContext = 'must be the name of a context of the kubeconfig';
const isSource = (key: string): boolean => key.includes(':');

/** `{"NAME": "CONTEXT", "https://SOURCE": "CONTEXT"}`, as contexts by the sources of events. */
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
  .pipe(z.record(z.string(), z.string(noContext).min(1, noContext), 'must be an object, of contexts by clusters'))
  .refine((given) => Object.keys(given).length > 0, 'must have at least one cluster')
  .refine(
    (given) => Object.keys(given).every((key) => isSource(key) || clusterName.safeParse(key).success),
    'must be by names of clusters (letters, digits, - . _) or sources of events',
  )
  .transform(
    (given) => new Map(Object.entries(given).map(([key, context]) => [isSource(key) ? key : sourceOf(key), context])),
  );

/** A cluster whose Websites are reconciled here. */
export interface ServedCluster {
  readonly cluster: Cluster;
  /** The same for one piece of work, which begins no call after this time of the monotonic clock. */
  readonly until?: (startBy: number) => Cluster;
  readonly resyncPlace: ResyncPlace;
  /** One resync runs at a time, however many ask for it. */
  readonly resyncs: Joining<ResyncReport>;
  /** Which one it is, where there are several. */
  readonly label?: string;
}

export interface Clusters {
  readonly all: readonly ServedCluster[];
  /** The cluster that events of this source are about. Where there is just one, they are about that. */
  of(source: string): ServedCluster | undefined;
}

const noResyncYet = () => ({ resyncPlace: { last: undefined }, resyncs: new Joining<ResyncReport>() });

export function oneCluster(cluster: Cluster, until: (startBy: number) => Cluster = () => cluster): Clusters {
  const only = { cluster, until, ...noResyncYet() };
  return { all: [only], of: () => only };
}

/**
 * @param contexts of the kubeconfig, by the sources of events; several sources may be one cluster's.
 * @param clusterIn is asked once for each context.
 */
export function severalClusters(
  contexts: ReadonlyMap<string, string>,
  clusterIn: (context: string) => Pick<ServedCluster, 'cluster' | 'until'>,
): Clusters {
  const served = new Map(
    [...new Set(contexts.values())].map((label): [string, ServedCluster] => [
      label,
      { ...clusterIn(label), ...noResyncYet(), label },
    ]),
  );
  return { all: [...served.values()], of: (source) => served.get(contexts.get(source) ?? '') };
}

/**
 * What is given to work on the Websites of one cluster: lines of the log say which one, where there are several.
 * @param ms after which nothing more is begun.
 */
export function within<Given extends { readonly log: Log }>(
  { cluster: endless, until = () => endless, resyncPlace, label }: ServedCluster,
  given: Given,
  ms: number,
): Given & Pick<ServedCluster, 'cluster' | 'resyncPlace'> {
  const cluster = until(performance.now() + ms);
  return { ...given, cluster, resyncPlace, log: label === undefined ? given.log : labelled(given.log, label) };
}

const labelled = (log: Log, cluster: string): Log => ({
  info: (fields: object, message?: string) => log.info({ cluster, ...fields }, message),
  warn: (fields: object, message?: string) => log.warn({ cluster, ...fields }, message),
  error: (fields: object, message?: string) => log.error({ cluster, ...fields }, message),
});
