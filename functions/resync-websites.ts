import type { FunctionContext } from './context.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Child, ChildKind, Children } from './website/children.ts';
import { differences } from './website/differences.ts';
import { decide, judge, reconcile, type Context } from './website/reconcile.ts';
import { keyText, type Website, type WebsiteKey } from './website/resource.ts';

/** What a resync found and did, in Websites. */
export interface ResyncReport {
  readonly seen: number;
  readonly differing: number;
  readonly repaired: number;
  readonly failed: number;
  /** Differing, and left to the next resync because the time was up. */
  readonly unfinished: number;
}

/** Below the 230 s after which Azure's front end gives up on an answer. */
const TIME_MS = 200_000;
/** As many as the connection pool carries at ease beside the events. */
const PARALLEL = 16;

/**
 * Function 2: looks at every Website and reconciles those that differ from what they should be. The API server is asked for
 * lists, in pages, so that a resync of settled Websites costs a call for 500 objects and not three for each.
 * Two may run at once: all writing is done by `reconcile`.
 * @throws ClusterError when a list cannot be read.
 */
export async function resyncWebsites({ log, ...context }: FunctionContext, timeMs = TIME_MS): Promise<ResyncReport> {
  const deadline = performance.now() + timeMs;
  const report = { seen: 0, differing: 0, repaired: 0, failed: 0, unfinished: 0 };
  const childrenOf = await readAllChildren(context.cluster);
  for await (const page of context.cluster.listWebsites()) {
    report.seen += page.length;
    const differing = page.filter((website) => differs(website, childrenOf(website.metadata), context));
    report.differing += differing.length;
    await inParallel(differing, async ({ metadata: { namespace, name } }) => {
      if (performance.now() > deadline) {
        report.unfinished++;
        return;
      }
      try {
        const { outcome, actions } = await reconcile({ namespace, name }, context, 'everything');
        report.repaired++;
        log.info({ namespace, name, outcome: outcome.kind, actions, eventReason: 'resync' }, 'Reconciled Website');
      } catch (error) {
        report.failed++;
        log.warn({ namespace, name, err: error }, 'Could not reconcile Website');
      }
    });
  }
  log.info({ ...report, ms: Math.round(performance.now() - deadline + timeMs) }, 'Resynced Websites');
  return report;
}

/** The children come first, as in `reconcile`: a Website that changes meanwhile then differs, and is looked at. */
async function readAllChildren(cluster: Cluster): Promise<(key: WebsiteKey) => Children> {
  const [deployments, services, ingresses] = await Promise.all([
    byWebsite(cluster, 'Deployment'),
    byWebsite(cluster, 'Service'),
    byWebsite(cluster, 'Ingress'),
  ]);
  return (key) => {
    const text = keyText(key);
    return { deployment: deployments.get(text), service: services.get(text), ingress: ingresses.get(text) };
  };
}

async function byWebsite<Kind extends ChildKind>(cluster: Cluster, kind: Kind) {
  const found = new Map<string, Extract<Child, { kind: Kind }>>();
  const suffix = `-${kind.toLowerCase()}`;
  for await (const page of cluster.listChildren(kind)) {
    for (const child of page) {
      const { namespace, name } = child.metadata;
      if (name.endsWith(suffix)) found.set(keyText({ namespace, name: name.slice(0, -suffix.length) }), child);
    }
  }
  return found;
}

function differs(website: Website, children: Children, { now }: Pick<Context, 'now'>): boolean {
  if (website.metadata.deletionTimestamp !== undefined) return false;
  const decision = decide(website, children);
  if (decision.plan.steps.length > 0) return true;
  const judged = judge(website, decision, { children, refusals: [] }, now());
  return differences(website.status, judged.status).length > 0;
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
