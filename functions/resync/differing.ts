import { wouldLast } from './rehearsal.ts';
import { isNews } from '../website/status/history.ts';
import type { Context } from '../website/reconcile.ts';
import type { Website, WebsiteKey } from '../website/resource.ts';
import type { Finding } from '../website/pods/explain.ts';
import { decide, judge } from '../website/run/decide.ts';
import type { Children } from '../website/children/kinds.ts';
import { websitesWithChildren } from './with-children.ts';

/** The result of comparing all Websites with their children. Keys are almost in the order of the list. */
export interface Found {
  readonly seen: number;
  readonly differing: readonly WebsiteKey[];
  /** Differing Websites above `LARGEST_AMONG_OTHERS`, reconciled last because few of them fit into memory at once. */
  readonly large: readonly WebsiteKey[];
  /** Websites that differ in nothing but what their Pods may say. The status names a cause, and the lists hold no Pods. */
  readonly explained: readonly WebsiteKey[];
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
  const explained: WebsiteKey[] = [];
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
    if (compared === 'explained') explained.push(key);
    if (compared === 'unknown') uncompared.push(key);
  }
  return { seen, differing, large, explained, uncompared, afresh };
}

function compare(
  website: Website,
  children: Children | undefined,
  context: Pick<Context, 'now' | 'defaults'>,
): 'settled' | 'differs' | 'explained' | 'large' | 'unknown' {
  try {
    // An invalid spec is judged without its children.
    if (children === undefined && decide(website, {}, { defaults: context.defaults }).spec !== undefined)
      return 'unknown';
    const compared = compareWith(children ?? {}, website, context);
    return compared === 'differs' && JSON.stringify(website).length > LARGEST_AMONG_OTHERS ? 'large' : compared;
  } catch {
    // A bug of ours must not fail the whole resync. The reconcile of this Website reports it.
    return 'differs';
  }
}

/** Whether the Website has to be reconciled. If the status names a cause that its Pods gave, this cannot tell whether it still holds. */
function compareWith(
  children: Children,
  website: Website,
  { now, defaults }: Pick<Context, 'now' | 'defaults'>,
): 'settled' | 'differs' | 'explained' {
  if (website.metadata.deletionTimestamp !== undefined) return 'settled';
  const decision = decide(website, children, { defaults });
  if (decision.plan.steps.length > 0 || decision.scale !== undefined) return 'differs';
  const isAsJudged = (finding?: Finding) =>
    !isNews(website.status, judge(website, decision, { children, refusals: [] }, now(), finding).status);
  if (isAsJudged()) return 'settled';
  return isAsJudged({ kind: 'unanswered' }) ? 'explained' : 'differs';
}
