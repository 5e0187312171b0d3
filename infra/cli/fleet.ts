import { readAllChildren } from '../../functions/resync/differing.ts';
import { CHILD_KINDS, type Children } from '../../functions/website/children/kinds.ts';
import type { Website } from '../../functions/website/resource.ts';
import type { Answer } from './output.ts';
import type { Target } from './plan.ts';
import { planned, type Planned } from './planned.ts';
import { printable, styled } from './text.ts';

/** What this release would do to all Websites. */
export interface Fleet {
  readonly seen: number;
  readonly changing: readonly ChangingWebsite[];
}

/** Without values, so that a large fleet fits into memory. `website plan NAME` shows them. */
interface ChangingWebsite {
  readonly website: string;
  readonly changes: readonly { readonly verb: string; readonly kind: string; readonly paths: readonly string[] }[];
  readonly restartsPods: boolean;
}

/** Websites between two notes about progress. */
const PROGRESS = 1000;

/**
 * Plans every Website from lists: one request for 500 objects of each kind, instead of several for each Website.
 * @throws ClusterError if a list cannot be read.
 */
export async function planFleet({ cluster, now, server }: Target, note: (line: string) => void): Promise<Fleet> {
  // As a reconcile does: the children first.
  const childrenOf = await readAllChildren(cluster);
  const changing: ChangingWebsite[] = [];
  let seen = 0;
  for await (const page of cluster.listWebsites()) {
    for (const website of page) {
      const plan = await plannedFromList(website, childrenOf(website.metadata), { cluster, now, server });
      if (plan.changes.length > 0) changing.push(changingWebsite(plan));
      if (++seen % PROGRESS === 0) note(`Planned ${seen} Websites`);
    }
  }
  return { seen, changing };
}

/** Lists show children by their label. A child that the plan would create may exist without it. */
async function plannedFromList(
  website: Website,
  children: Children | undefined,
  { cluster, now, server }: Pick<Target, 'cluster' | 'now' | 'server'>,
): Promise<Planned> {
  const plan = await planned(website.metadata, cluster, now, { website, children, server });
  if (children === undefined) return plan;
  const created = new Set(plan.changes.filter(({ verb }) => verb === 'create').map(({ kind }) => kind));
  const found = await Promise.all(
    CHILD_KINDS.filter((kind) => children[kind] === undefined && created.has(kind)).map(
      async (kind) => [kind, await cluster.getChild(kind, website.metadata)] as const,
    ),
  );
  if (found.every(([, child]) => child === undefined)) return plan;
  const all = { ...children, ...Object.fromEntries(found) };
  return planned(website.metadata, cluster, now, { website, children: all, server });
}

function changingWebsite({ namespace, name, changes }: Planned): ChangingWebsite {
  return {
    website: `${namespace}/${name}`,
    changes: changes.map(({ verb, kind, fields }) => ({ verb, kind, paths: fields.map(({ path }) => path) })),
    restartsPods: changes.some(({ restartsPods }) => restartsPods),
  };
}

export function fleetAnswer({ seen, changing }: Fleet): Answer {
  const restarting = changing.filter(({ restartsPods }) => restartsPods);
  const lines = changing.map(({ website, changes, restartsPods }) => {
    const what = changes.map(({ verb, kind }) => `${verb} ${kind}`).join(', ');
    return `${printable(website)}: ${what}${restartsPods ? styled('yellow', ' (replaces the Pods)') : ''}`;
  });
  const summary = `${changing.length} of ${seen} Websites would change. Pods would be replaced in ${restarting.length}.`;
  return { text: [...lines, summary].join('\n'), data: { seen, changing } };
}
