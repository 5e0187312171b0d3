import type { Cluster } from './cluster/cluster.ts';
import { within, type ServedCluster } from './clusters.ts';
import type { Log } from './context.ts';
import { countResync, measured } from './metrics.ts';
import type { Child, ChildKind, Children } from './website/children.ts';
import { differences } from './website/differences.ts';
import { decide, judge, reconcile, type Context } from './website/reconcile.ts';
import { keyText, type Website, type WebsiteKey } from './website/resource.ts';

/** What a resync found and did, in Websites. */
export interface ResyncReport {
  readonly seen: number;
  readonly differing: number;
  /** Reconciled, and nobody has to act on them. */
  readonly repaired: number;
  /** Reconciled, and somebody has to act on them: their condition Stalled says what to do. */
  readonly stalled: number;
  /** Not reconciled, because something went wrong for now: trying again may help. */
  readonly failed: number;
  /** Differing, and left to the next resync because the time was up. */
  readonly unfinished: number;
}

/** Where a resync whose time was up has come to, for the next one in the same process. */
export interface ResyncPlace {
  last: WebsiteKey | undefined;
}

export interface ResyncContext extends Context {
  readonly log: Log;
  readonly resyncPlace: ResyncPlace;
}

/** Below the 230 s after which Azure's front end gives up on an answer. */
const TIME_MS = 200_000;
/** As many as the connection pool carries at ease beside the events. */
const PARALLEL = 16;
/** Websites between two lines of the log that say how far it has come. */
const PROGRESS = 500;

/**
 * Function 2, for several clusters at once: one that cannot be reached keeps no other from its turn.
 * @throws ClusterError when a list of one of them cannot be read, once the others are done.
 */
export async function resyncClusters(
  clusters: readonly ServedCluster[],
  context: Pick<ResyncContext, 'now' | 'log'>,
): Promise<ResyncReport> {
  const work = clusters.map(async (served) => {
    const own = within(served, context);
    try {
      return await resyncWebsites(own);
    } catch (error) {
      own.log.error({ err: error }, 'Could not resync Websites');
      throw error;
    }
  });
  const total = { seen: 0, differing: 0, repaired: 0, stalled: 0, failed: 0, unfinished: 0 };
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') throw result.reason;
    for (const [kind, count] of Object.entries(result.value)) total[kind as keyof ResyncReport] += count;
  }
  return total;
}

/**
 * Function 2, for one cluster: looks at every Website and reconciles those that differ from what they should be. The API server is asked for
 * lists, in pages, so that a resync of settled Websites costs a call for 500 objects and not three for each.
 * Two may run at once: all writing is done by `reconcile`. When its time is up, the next one goes on behind the last that
 * this one looked at, so that one which fails every time does not keep the others from their turn.
 * @throws ClusterError when a list cannot be read.
 */
export async function resyncWebsites(
  { log, resyncPlace, ...context }: ResyncContext,
  timeMs = TIME_MS,
): Promise<ResyncReport> {
  const start = performance.now();
  const { seen, differing } = await findDiffering(context);
  const queue = startingBehind(resyncPlace.last, differing);
  const counts = { repaired: 0, stalled: 0, failed: 0 };
  let begun = 0;
  await inParallel(queue, async (key) => {
    if (performance.now() - start > timeMs) return;
    resyncPlace.last = key;
    if (++begun % PROGRESS === 0) log.info({ begun, differing: differing.length }, 'Resyncing Websites');
    try {
      const { outcome, actions } = await measured('resync', () => reconcile(key, context, 'everything'));
      counts[outcome.kind === 'stalled' ? 'stalled' : 'repaired']++;
      log.info({ ...key, outcome: outcome.kind, actions, eventReason: 'resync' }, 'Reconciled Website');
    } catch (error) {
      counts.failed++;
      log.warn({ ...key, err: error }, 'Could not reconcile Website');
    }
  });
  const report = { seen, differing: differing.length, ...counts, unfinished: differing.length - begun };
  countResync(start, report);
  log.info({ ...report, ms: Math.round(performance.now() - start) }, 'Resynced Websites');
  return report;
}

/** The keys of those that differ, in the order of the list. */
async function findDiffering(context: Context): Promise<{ seen: number; differing: WebsiteKey[] }> {
  const childrenOf = await readAllChildren(context.cluster);
  const differing: WebsiteKey[] = [];
  let seen = 0;
  for await (const page of context.cluster.listWebsites()) {
    seen += page.length;
    for (const website of page) {
      const { namespace, name } = website.metadata;
      if (differs(website, childrenOf({ namespace, name }), context)) differing.push({ namespace, name });
    }
  }
  return { seen, differing };
}

/** The children come first, as in `reconcile`: a Website that changes meanwhile then differs, and is looked at. */
async function readAllChildren(cluster: Cluster): Promise<(key: WebsiteKey) => Children> {
  const [deployment, service, ingress] = await Promise.all([
    byWebsite(cluster, 'Deployment'),
    byWebsite(cluster, 'Service'),
    byWebsite(cluster, 'Ingress'),
  ]);
  return (key) => ({ deployment: deployment(key), service: service(key), ingress: ingress(key) });
}

/**
 * The children of one kind, by their Website. All of them are kept until the Websites have come, so they are kept as text, and
 * without what nobody compares: as objects they would take five times as much.
 */
async function byWebsite<Kind extends ChildKind>(cluster: Cluster, kind: Kind) {
  const found = new Map<string, string>();
  const suffix = `-${kind.toLowerCase()}`;
  for await (const page of cluster.listChildren(kind)) {
    for (const child of page) {
      const { namespace, name } = child.metadata;
      if (name.endsWith(suffix)) found.set(keyText({ namespace, name: name.slice(0, -suffix.length) }), textOf(child));
    }
  }
  return (key: WebsiteKey): Extract<Child, { kind: Kind }> | undefined => {
    const text = found.get(keyText(key));
    return text === undefined ? undefined : (JSON.parse(text) as Extract<Child, { kind: Kind }>);
  };
}

const textOf = (child: Child): string =>
  JSON.stringify(child, (name, value: unknown) => (name === 'managedFields' ? undefined : value));

function differs(website: Website, children: Children, { now }: Pick<Context, 'now'>): boolean {
  if (website.metadata.deletionTimestamp !== undefined) return false;
  const decision = decide(website, children);
  if (decision.plan.steps.length > 0) return true;
  const judged = judge(website, decision, { children, refusals: [] }, now());
  return differences(website.status, judged.status).length > 0;
}

/** All of them, beginning with the one behind `last`, where that is among them. */
function startingBehind(last: WebsiteKey | undefined, keys: readonly WebsiteKey[]): readonly WebsiteKey[] {
  const place = keys.findIndex((key) => last !== undefined && keyText(key) === keyText(last)) + 1;
  return [...keys.slice(place), ...keys.slice(0, place)];
}

/** Works on `PARALLEL` items at a time. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
