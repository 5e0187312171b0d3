import { setFlagsFromString } from 'node:v8';
import { websitesWithChildren } from '../../../functions/resync/with-children.ts';
import type { Cluster } from '../../../functions/cluster/cluster.ts';
import {
  CARRIER,
  CHILD_KINDS,
  isOptional,
  type ChildKind,
  type Children,
} from '../../../functions/website/children/kinds.ts';
import { possibleKinds } from '../../../functions/website/plan/marks.ts';
import type { Website, WebsiteKey } from '../../../functions/website/resource.ts';
import type { Result } from '../command.ts';
import type { Target } from './plan.ts';
import { codeOf, numbersOf, sorted, summaryText } from './plan-summary.ts';
import { planned, type Planned, type PlannedChange } from './planned.ts';
import type { Refusal } from './refusal.ts';
import { printable, styled } from '../../text.ts';
import { changeText } from '../../words.ts';

/** What this release would do to all Websites. */
export interface Fleet {
  readonly seen: number;
  /** Those for which it would write something. */
  readonly written: readonly WrittenWebsite[];
}

/** Without values, so that a large fleet fits into memory. `website plan NAME` shows them. */
interface WrittenWebsite {
  readonly website: string;
  readonly changes: readonly (Pick<PlannedChange, 'verb' | 'kind' | 'isRefused'> & {
    readonly paths: readonly string[];
  })[];
  readonly restartsPods: boolean;
  /** Why the last reconcile could not make these writes. */
  readonly refusedLastTime?: Refusal | undefined;
  readonly statusProblem?: string | undefined;
  readonly unchecked?: Planned['unchecked'];
  readonly statusUnchecked?: string | undefined;
}

/** Websites between two notes about progress. */
const PROGRESS = 1000;

/**
 * Plans every Website from lists: one request for 500 objects of each kind, instead of several for each Website.
 * @throws ClusterError if a list cannot be read.
 */
export async function planFleet(target: Target, note: (line: string) => void): Promise<Fleet> {
  const { cluster } = target;
  // With enough memory, V8 lets garbage pile up: 10,000 Websites took 420 MB, of which 50 MB were in use.
  setFlagsFromString('--optimize-for-size');
  const written: WrittenWebsite[] = [];
  let seen = 0;
  for await (const { website, children } of websitesWithChildren(cluster)) {
    const plan = await plannedFromList(website, children, target);
    if (plan.changes.length > 0) written.push(writtenWebsite(plan));
    if (++seen % PROGRESS === 0) note(`Planned ${seen} Websites`);
  }
  return { seen, written };
}

/** Lists show children by their label. One that is missing there may exist without it, so it is looked up by its name. */
async function plannedFromList(
  website: Website,
  listed: Children | undefined,
  { cluster, now, server, defaults }: Target,
): Promise<Planned> {
  const plan = async (children?: Children) =>
    planned(website.metadata, cluster, now, { website, children, server, defaults });
  if (listed === undefined) return plan();
  const known = await withMissing(
    listed,
    CHILD_KINDS.filter((kind) => !isOptional(kind)),
    website.metadata,
    cluster,
  );
  const all = await withMissing(known, possibleKinds(known[CARRIER]), website.metadata, cluster);
  const first = await plan(all);
  const created = CHILD_KINDS.filter((kind) =>
    first.changes.some((change) => change.verb === 'create' && change.kind === kind),
  );
  const found = await withMissing(all, created, website.metadata, cluster);
  return found === all ? first : plan(found);
}

/** Adds the children of these kinds that the lists did not show. The same object if there are no such children. */
async function withMissing(
  children: Children,
  kinds: readonly ChildKind[],
  key: WebsiteKey,
  cluster: Cluster,
): Promise<Children> {
  const missing = kinds.filter((kind) => children[kind] === undefined);
  const read = await Promise.all(missing.map(async (kind) => [kind, await cluster.getChild(kind, key)] as const));
  const found = read.filter(([, child]) => child !== undefined);
  return found.length === 0 ? children : { ...children, ...Object.fromEntries(found) };
}

function writtenWebsite({ namespace, name, changes, ...plan }: Planned): WrittenWebsite {
  const { refusedLastTime, statusProblem, unchecked, statusUnchecked } = plan;
  return {
    website: `${namespace}/${name}`,
    changes: changes.map(({ fields, verb, kind, isRefused }) => ({
      verb,
      kind,
      ...(isRefused === undefined ? {} : { isRefused }),
      paths: fields.map(({ path }) => path),
    })),
    restartsPods: changes.some(({ restartsPods }) => restartsPods),
    refusedLastTime,
    statusProblem,
    unchecked,
    statusUnchecked,
  };
}

/** Refused writes that would be tried again come last, because they say nothing about this release. */
export function fleetAnswer({ seen, written }: Fleet): Result {
  const parts = sorted(written);
  const { changing, onlyStatus, statusRefused, triedAgain } = parts;
  const summary = summaryText({
    ...numbersOf(parts),
    restarting: changing.filter(({ restartsPods }) => restartsPods).length,
    seen,
  });
  const lines = [...changing, ...onlyStatus, ...statusRefused, ...triedAgain].map(lineOf);
  const data = { seen, changing: [...changing, ...onlyStatus], statusRefused, triedAgain };
  return { text: [...lines, summary].join('\n'), data, code: codeOf(parts) };
}

function lineOf({ website, changes, restartsPods, refusedLastTime }: WrittenWebsite): string {
  const refused =
    refusedLastTime === undefined ? '' : `not written last time (${printable(refusedLastTime.reason)}), tried again: `;
  const what = changes.map((change) => changeText(change) + (change.isRefused === true ? ' (refused)' : '')).join(', ');
  return `${printable(website)}: ${refused}${what}${restartsPods ? styled('yellow', ' (replaces the Pods)') : ''}`;
}
