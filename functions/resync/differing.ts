import type { Cluster } from '../cluster/cluster.ts';
import { wouldLast } from './lasting.ts';
import { differences } from '../website/differences.ts';
import type { Context } from '../website/reconcile.ts';
import { keyText, type Website, type WebsiteKey } from '../website/resource.ts';
import { decide, judge } from '../website/decide.ts';
import { CHILD_KINDS, type Children, type ChildKind, type Child } from '../website/children/kinds.ts';
import { websiteNameIn } from '../website/children/metadata.ts';

/** What a comparison of all Websites found; keys are in the order of the list. */
export interface Found {
  readonly seen: number;
  readonly differing: readonly WebsiteKey[];
  /** Differing as well, and so large that they take turns: the others come first. */
  readonly large: readonly WebsiteKey[];
  /** Not compared, since a child was too large to be kept until its Website came. */
  readonly uncompared: readonly WebsiteKey[];
  /** Those that differ since what did not last would last now. */
  readonly afresh: ReadonlySet<WebsiteKey>;
}

/** Longest text of a Website that is reconciled among all others. */
const LARGEST_AMONG_OTHERS = 128 * 1024;

/** Longest text of a child that is kept: several times what a Deployment usually has. */
const LARGEST_KEPT = 32 * 1024;
/** The texts of all children that are kept, in bytes: those of 20,000 Websites as they usually are. */
const ALL_KEPT = 96 * 1024 * 1024;

/** Compares all Websites with their children. @throws ClusterError when a list cannot be read. */
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
      const wouldChange = children !== undefined && (await wouldLast(website, children, context.cluster));
      if (wouldChange) afresh.add(key);
      const compared = wouldChange ? 'differs' : compare(website, children, context);
      if (compared === 'differs') differing.push(key);
      if (compared === 'large') large.push(key);
      if (compared === 'unknown') uncompared.push(key);
    }
  }
  return { seen, differing, large, uncompared, afresh };
}

/** Nothing where a child was not kept. */
type ChildrenOf = (key: WebsiteKey) => Children | undefined;

/** Reads the children first, as `reconcile` does: a Website that changes meanwhile then differs, and is reconciled. */
async function readAllChildren(cluster: Cluster): Promise<ChildrenOf> {
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
 * The children of one kind, by their Website. All of them are kept until the Websites have come, so they are kept as text, and
 * without what nobody compares: as objects they would take five times as much. Somebody may have made some of them large, or many:
 * those that are too much are not kept.
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

/** What a text takes in memory: where one character needs two bytes, all of them have two. */
const bytesOf = (text: string): number => (Buffer.byteLength(text) === text.length ? text.length : 2 * text.length);

function compare(
  website: Website,
  children: Children | undefined,
  context: Pick<Context, 'now'>,
): 'settled' | 'differs' | 'large' | 'unknown' {
  try {
    // What an invalid spec says of its children is nothing.
    if (children === undefined && decide(website, {}).spec !== undefined) return 'unknown';
    if (!differs(website, children ?? {}, context)) return 'settled';
    return JSON.stringify(website).length > LARGEST_AMONG_OTHERS ? 'large' : 'differs';
  } catch {
    // A fault of ours: to reconcile says what is wrong, of this Website alone.
    return 'differs';
  }
}

function differs(website: Website, children: Children, { now }: Pick<Context, 'now'>): boolean {
  if (website.metadata.deletionTimestamp !== undefined) return false;
  const decision = decide(website, children);
  if (decision.plan.steps.length > 0) return true;
  const judged = judge(website, decision, { children, refusals: [] }, now());
  return differences(website.status, judged.status).length > 0;
}
