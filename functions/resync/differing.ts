import type { Cluster } from '../cluster/cluster.ts';
import { wouldLast } from './lasting.ts';
import { isNews } from '../website/status/history.ts';
import type { Context } from '../website/reconcile.ts';
import { keyText, type Website, type WebsiteKey } from '../website/resource.ts';
import { decide, judge } from '../website/run/decide.ts';
import { CHILD_KINDS, type Children, type ChildKind, type Child } from '../website/children/kinds.ts';
import { websiteNameIn } from '../website/children/metadata.ts';

/** The result of comparing all Websites with their children. Keys are in the order of the list. */
export interface Found {
  readonly seen: number;
  readonly differing: readonly WebsiteKey[];
  /** Differing Websites above `LARGEST_AMONG_OTHERS`, reconciled last because few of them fit into memory at once. */
  readonly large: readonly WebsiteKey[];
  /** Websites that could not be compared, because a child was too large to keep in memory. */
  readonly uncompared: readonly WebsiteKey[];
  /** Websites whose overridden write would have another result now, by a dry run. */
  readonly afresh: ReadonlySet<WebsiteKey>;
}

/** Longest JSON of a Website that does not count as large. */
const LARGEST_AMONG_OTHERS = 128 * 1024;

/** Most bytes of a child that is kept: several times those of a typical Deployment. */
const LARGEST_KEPT = 32 * 1024;
/** Most bytes of all children that are kept: enough for 20,000 typical Websites. */
const ALL_KEPT = 96 * 1024 * 1024;

/** Compares all Websites with their children. @throws ClusterError if a list cannot be read. */
export async function findDiffering(context: Context): Promise<Found> {
  const childrenOf = await readAllChildren(context.cluster);
  const differing: WebsiteKey[] = [];
  const large: WebsiteKey[] = [];
  const uncompared: WebsiteKey[] = [];
  const afresh = new Set<WebsiteKey>();
  let seen = 0;
  for await (const page of context.cluster.listWebsites()) {
    seen += page.length;
    for (const website of page) {
      const { namespace, name } = website.metadata;
      const key = { namespace, name };
      const children = childrenOf(key);
      const wouldChange = children !== undefined && (await wouldLast(website, children, context));
      if (wouldChange) afresh.add(key);
      const compared = wouldChange ? 'differs' : compare(website, children, context);
      if (compared === 'differs') differing.push(key);
      if (compared === 'large') large.push(key);
      if (compared === 'unknown') uncompared.push(key);
    }
  }
  return { seen, differing, large, uncompared, afresh };
}

/** Returns undefined if a child of the Website was not kept. */
export type ChildrenOf = (key: WebsiteKey) => Children | undefined;

/** Reads the children before the Websites, as `reconcile` does. A Website that changes in between then differs and is reconciled. */
export async function readAllChildren(cluster: Cluster): Promise<ChildrenOf> {
  const room = { left: ALL_KEPT };
  const byKind = await Promise.all(
    CHILD_KINDS.map(async (kind) => [kind, await byWebsite(cluster, kind, room)] as const),
  );
  return (key) => {
    const children = byKind.map(([kind, childOf]) => [kind, childOf(key)] as const);
    return children.some(([, child]) => child === NOT_KEPT) ? undefined : Object.fromEntries(children);
  };
}

const NOT_KEPT = 'not kept';

/**
 * Reads the children of one kind. They stay in memory until all Websites are compared, so they are kept as JSON without
 * managedFields: objects would take five times as much. Other writers may make children large or numerous, so those beyond the
 * limits are not kept.
 */
async function byWebsite(cluster: Cluster, kind: ChildKind, room: { left: number }) {
  const found = new Map<string, string>();
  for await (const page of cluster.listChildren(kind)) {
    for (const child of page) {
      const { namespace } = child.metadata;
      const name = websiteNameIn(kind, child.metadata.name);
      if (name === undefined) continue;
      const text = textOf(child);
      const bytes = bytesOf(text);
      const isKept = bytes <= LARGEST_KEPT && bytes <= room.left;
      if (isKept) room.left -= bytes;
      found.set(keyText({ namespace, name }), isKept ? text : NOT_KEPT);
    }
  }
  return (key: WebsiteKey): Child | typeof NOT_KEPT | undefined => {
    const text = found.get(keyText(key));
    return text === undefined || text === NOT_KEPT ? text : (JSON.parse(text) as Child);
  };
}

const textOf = (child: Child): string =>
  JSON.stringify(child, (name, value: unknown) => (name === 'managedFields' ? undefined : value));

/** The memory that a text takes. If one character needs two bytes, all of them take two. */
const bytesOf = (text: string): number => (Buffer.byteLength(text) === text.length ? text.length : 2 * text.length);

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
