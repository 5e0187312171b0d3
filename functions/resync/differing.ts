import { wouldLast } from './lasting.ts';
import { isNews } from '../website/status/history.ts';
import type { Context } from '../website/reconcile.ts';
import type { Website, WebsiteKey } from '../website/resource.ts';
import { decide, judge } from '../website/run/decide.ts';
import type { Children } from '../website/children/kinds.ts';
import { websitesWithChildren } from './with-children.ts';

/** The result of comparing all Websites with their children. Keys are almost in the order of the list. */
export interface Found {
  readonly seen: number;
  readonly differing: readonly WebsiteKey[];
  /** Differing Websites above `LARGEST_AMONG_OTHERS`, reconciled last because few of them fit into memory at once. */
  readonly large: readonly WebsiteKey[];
  /** Websites that could not be compared, because a list was not in order. */
  readonly uncompared: readonly WebsiteKey[];
  /** Websites whose overridden write would have another result now, by a dry run. */
  readonly afresh: ReadonlySet<WebsiteKey>;
}

/** Longest JSON of a Website that does not count as large. */
const LARGEST_AMONG_OTHERS = 128 * 1024;

/** Compares all Websites with their children. @throws ClusterError if a list cannot be read. */
export async function findDiffering(context: Context): Promise<Found> {
  const differing: WebsiteKey[] = [];
  const large: WebsiteKey[] = [];
  const uncompared: WebsiteKey[] = [];
  const afresh = new Set<WebsiteKey>();
  let seen = 0;
  for await (const { website, children } of websitesWithChildren(context.cluster)) {
    seen++;
    const { namespace, name } = website.metadata;
    const key = { namespace, name };
    const wouldChange = children !== undefined && (await wouldLast(website, children, context));
    if (wouldChange) afresh.add(key);
    const compared = wouldChange ? 'differs' : compare(website, children, context);
    if (compared === 'differs') differing.push(key);
    if (compared === 'large') large.push(key);
    if (compared === 'unknown') uncompared.push(key);
  }
  return { seen, differing, large, uncompared, afresh };
}

function compare(
  website: Website,
  children: Children | undefined,
  context: Pick<Context, 'now' | 'defaults'>,
): 'settled' | 'differs' | 'large' | 'unknown' {
  try {
    // An invalid spec is judged without its children.
    if (children === undefined && decide(website, {}, { defaults: context.defaults }).spec !== undefined)
      return 'unknown';
    if (!differs(website, children ?? {}, context)) return 'settled';
    return JSON.stringify(website).length > LARGEST_AMONG_OTHERS ? 'large' : 'differs';
  } catch {
    // A bug of ours must not fail the whole resync. The reconcile of this Website reports it.
    return 'differs';
  }
}

/** The Pods are not read here. So a Website whose condition names a cause differs, and its reconcile looks at the Pods again. */
function differs(website: Website, children: Children, { now, defaults }: Pick<Context, 'now' | 'defaults'>): boolean {
  if (website.metadata.deletionTimestamp !== undefined) return false;
  const decision = decide(website, children, { defaults });
  if (decision.plan.steps.length > 0 || decision.scale !== undefined) return true;
  const judged = judge(website, decision, { children, refusals: [] }, now());
  return isNews(website.status, judged.status);
}
