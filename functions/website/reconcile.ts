import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/errors.ts';
import { CARRIER, childrenIn, isOptional, type ChildKind, type Children, type Versions } from './children/kinds.ts';
import { decide, judge, type Decision, type Judged } from './decide.ts';
import { lookAtPods } from './explain.ts';
import { reportForbidden } from './forbidden.ts';
import { isNews } from './history.ts';
import { AS_NEEDED, AT_EVERYTHING, isIndependentOfRest, overlooked, readChildren, type Look } from './look.ts';
import { possibleKinds } from './marks.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import { isAheadOf } from './ownership.ts';
import { actionOf, takesAny, type Operation, type Plan } from './plan.ts';
import { announcementOf, repairsOf, type Repair } from './repair.ts';
import type { Website, WebsiteKey } from './resource.ts';
import { wereAsDesired } from './status.ts';
import { transitionOf } from './transition.ts';
import { isForbidden, write, type Written } from './write.ts';
import { writeStatus } from './write-status.ts';

/** What a reconcile needs from outside. */
export interface Context {
  readonly cluster: Cluster;
  readonly now: () => Date;
}

/** What a run reads and repeats. */
export interface Run {
  /** The children to read first. Defaults to all that the Website has. The run reads more if these are not enough. */
  readonly look?: Look;
  /** A resourceVersion: the Website may come from a cache that has this version or a later one. */
  readonly since?: string | undefined;
  /** Repeats the writes that did not last before. */
  readonly afresh?: boolean;
}

export interface Reconciled {
  readonly outcome: Outcome;
  /** The writes that were made, in order: `create Deployment`, `update status`. */
  readonly actions: readonly string[];
  /** Changes of other writers that this run undid. */
  readonly repairs: readonly Repair[];
  /** The versions that the outcome rests on: those that the run last read or wrote. */
  readonly versions: Versions;
}

/** How often a run that loses races tries, before it leaves the rest to the sender's retry. */
const ATTEMPTS = 5;

/**
 * Brings one Website's children and status to what its spec says.
 *
 * ## Guarantees
 * Runs for the same Website may overlap. A run reads the children *before* the Website, and every write to a child carries the
 * resourceVersion that was read. So the API server refuses the write of a run that decided by an older spec once a newer run has
 * written. The run writes the status last, under the resourceVersion of the Website that it judged.
 *
 * With `since`, the Website may come from a cache. If it has changed again, that status write is refused. The run acts on a cached
 * Website only when its children were written for an older spec, or do not exist yet. So nothing goes back to an older spec.
 *
 * ## Errors
 * A run that lost a race reads everything again, `ATTEMPTS` times in all. A refusal that no retry fixes becomes a condition. So does
 * a missing right.
 * @throws ClusterError for everything else: the sender retries.
 */
export async function reconcile(key: WebsiteKey, context: Context, run: Run = {}): Promise<Reconciled> {
  const done: Done = { actions: [], repairs: [] };
  for (let attempt = 1; ; attempt++) {
    try {
      return { ...(await reconcileOnce(key, context, attempt === 1 ? run : everything(run), done)), ...done };
    } catch (error) {
      if (isForbidden(error)) await reportForbidden(key, context, error);
      const lostRace = error instanceof ClusterError && error.class === 'conflict';
      if (!lostRace || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The same run, but it reads everything, and from the API server's storage. */
const everything = ({ afresh = false }: Run): Run => ({ look: AT_EVERYTHING, afresh });

/** What all attempts together did. */
interface Done {
  readonly actions: string[];
  readonly repairs: Repair[];
}

async function reconcileOnce(
  key: WebsiteKey,
  context: Context,
  run: Run,
  done: Done,
): Promise<Omit<Reconciled, keyof Done>> {
  // Read
  const { website, children } = await read(key, context.cluster, run);
  if (website === undefined || website.metadata.deletionTimestamp !== undefined) return GONE;

  // Decide
  const decision = decide(website, children, run);
  const again = await secondRun(website, children, decision, run, context.cluster);
  if (again !== undefined) return reconcileOnce(key, context, again, done);

  // Write
  const live = await confirmed(website, decision, context.cluster);
  const written = await writeAndReport(live, decision.plan, children, context, done);
  if (written === 'namespace-terminating') return GONE;

  // Judge
  const now = context.now();
  const judged = await judgeAndExplain(live, decision, written, context.cluster, now);
  const isNew = isNews(live.status, judged.status);
  if (!isNew && !createsOptional(decision))
    return { outcome: outcomeOf(judged.verdict, judged.status, now), versions: versionsOf(live, written.children) };
  const update = await writeStatus(live, judged, context.cluster);
  if (isNew && update.isWritten) done.actions.push('update status');
  const transition = transitionOf(live, update.verdict);
  if (transition !== undefined) await context.cluster.announce(update.website, transition);
  return {
    outcome: outcomeOf(update.verdict, judged.status, now),
    versions: versionsOf(update.website, written.children),
  };
}

/** Judges, and asks the Pods why if the rollout is not done after some seconds. */
async function judgeAndExplain(
  website: Website,
  decision: Decision,
  written: Written,
  cluster: Cluster,
  now: Date,
): Promise<Judged> {
  const judged = judge(website, decision, written, now);
  const finding = await lookAtPods(website, judged, written.children[CARRIER], cluster, now);
  return finding === undefined ? judged : judge(website, decision, written, now, finding);
}

/** Reports repairs even if a later write fails: the next attempt no longer sees them. */
async function writeAndReport(
  website: Website,
  planned: Plan,
  children: Children,
  { cluster, now }: Context,
  done: Done,
): ReturnType<typeof write> {
  const made: Operation[] = [];
  try {
    return await write(planned, children, cluster, made);
  } finally {
    done.actions.push(...made.map(actionOf));
    for (const repair of repairsOf(website, made, children)) {
      done.repairs.push(repair);
      await cluster.announce(website, announcementOf(website, repair, now()));
    }
  }
}

/**
 * Before a run takes over a child, the API server must confirm that the Website still exists as it was read. It refuses even an
 * unchanged status update of a Website that has changed or is gone. A confirmed Website proves that the previous owner of the same
 * name is gone.
 */
const confirmed = async (website: Website, decision: Decision, cluster: Cluster): Promise<Website> =>
  takesAny(decision.plan) ? cluster.updateStatus(website) : website;

/** There is nothing to do: the garbage collector deletes the children. */
export const GONE: Reconciled = { outcome: { kind: 'gone' }, actions: [], repairs: [], versions: {} };

const versionsOf = (website: Website, children: Children): Versions =>
  Object.fromEntries([website, ...childrenIn(children)].map(({ kind, metadata }) => [kind, metadata.resourceVersion]));

/** Reads the children before the Website, unless the Website may come from a cache. */
async function read(
  key: WebsiteKey,
  cluster: Cluster,
  { look = AS_NEEDED, since }: Run,
): Promise<{ readonly website: Website | undefined; readonly children: Children }> {
  if (since === undefined) {
    const children = await readChildren(key, cluster, look);
    return { website: await cluster.getWebsite(key), children };
  }
  const [children, website] = await Promise.all([readChildren(key, cluster, look), cluster.getWebsite(key, since)]);
  return { website, children };
}

/** The run to make instead if this one has not read enough to act. Undefined if it has. */
async function secondRun(
  website: Website,
  children: Children,
  decision: Decision,
  run: Run,
  cluster: Cluster,
): Promise<Run | undefined> {
  const { look = AS_NEEDED, since } = run;
  if (hasSeenTooLittle(website, decision, look)) return {};
  if (decision.plan.steps.length === 0 || look.unseen === true) return undefined;
  if (since !== undefined && !leadsForward(website, children, decision)) return everything(run);
  const lost = kindsLost(website, children, decision, look);
  const late = await Promise.all(lost.map((kind) => cluster.getChild(kind, website.metadata)));
  return late.some((child) => child !== undefined) ? everything(run) : undefined;
}

function hasSeenTooLittle(website: Website, decision: Decision, look: Look): boolean {
  // The children of a suspended Website stay as they are, but the status describes them.
  if (look.unseen === true) return decision.spec?.suspend === true;
  return overlooked(look).length > 0 && (!areOurs(decision.plan) || !isRestKnown(website, look));
}

/** Whether the children that were not read were as desired for this spec, or are the same for every spec. */
const isRestKnown = (website: Website, look: Look): boolean =>
  wereAsDesired(website) &&
  (isIndependentOfRest(look) || website.status?.observedGeneration === website.metadata.generation);

/** Whether this Website already owns every child that was read. */
const areOurs = (planned: Plan): boolean => planned.obstacles.length === 0 && !takesAny(planned);

/**
 * A cached Website leads forward when its children were written for an older generation of it, or do not exist yet. A cache
 * cannot tell which Website of a name is the live one, so all children must be ours.
 */
const leadsForward = (website: Website, children: Children, decision: Decision): boolean =>
  areOurs(decision.plan) && isAheadOf(website, children);

/**
 * The optional kinds that the Deployment is about to stop listing, because no such child was read. The caller looks once more after
 * it has read the Website. If the child is still missing, an older run may yet create it. The API server then refuses that run's
 * status write (`createsOptional`), and the run removes the child.
 */
function kindsLost({ metadata }: Website, children: Children, decision: Decision, look: Look): readonly ChildKind[] {
  // No earlier spec can have desired such a child.
  if (metadata.generation === 1) return [];
  const wanted = 'wanted' in decision ? decision.wanted : {};
  const isAbsent = (kind: ChildKind) => wanted[kind] === undefined && children[kind] === undefined;
  // The run that judged this spec has read the kinds that this run overlooks.
  return possibleKinds(children[CARRIER]).filter((kind) => isAbsent(kind) && !overlooked(look).includes(kind));
}

/** A creation carries no version, so the run writes the status after it even if the status says nothing new. */
const createsOptional = ({ plan: { steps } }: Decision): boolean =>
  steps.flat().some(({ verb, child }) => verb === 'create' && isOptional(child.kind));
