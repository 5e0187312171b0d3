import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/errors.ts';
import { CARRIER, childrenIn, isOptional, type Children, type Versions } from './children/kinds.ts';
import type { Defaults } from './defaults.ts';
import { judgeAhead } from './run/ahead.ts';
import { decide, judge, type Decision, type Judged } from './run/decide.ts';
import { lookAtPods } from './pods/explain.ts';
import { isReported, reportLasting } from './status/lasting.ts';
import { isNews, readiedBy, type Readied } from './status/history.ts';
import { SCOPES, readChildren, widened, type Scope } from './run/scope.ts';
import { outcomeOf, type Outcome } from './status/outcome.ts';
import { actionOf, takesAny, type Operation, type Plan } from './plan/plan.ts';
import { announcementOf, changedIn, repairsOf, type Repair } from './run/repair.ts';
import type { Website, WebsiteKey } from './resource.ts';
import { childrenFrom, everything, fromStorage, isUnsure, secondRun, type Run } from './run/run.ts';
import { scale, SCALED } from './run/scale.ts';
import { write, type Written } from './run/write.ts';
import { announceTransition, storedBefore, writeStatus, type StatusWrite } from './status/write-status.ts';

/** What a reconcile depends on. */
export interface Context {
  readonly cluster: Cluster;
  readonly now: () => Date;
  readonly defaults?: Defaults | undefined;
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

/** How often a run that loses races starts again before it leaves the rest to the sender's retry. */
const ATTEMPTS = 5;

/**
 * Brings one Website's children and status to what its spec says.
 *
 * ## Guarantees
 * Runs for the same Website may overlap. A run reads the children *before* the Website, and every write to a child carries the
 * resourceVersion that was read. So the API server refuses the write of a run that decided by an older spec once a newer run has
 * written. The run writes the status last, under the resourceVersion of the Website that it judged. The exception is the status with
 * which a rollout begins: the run writes it together with the Deployment (`judgeAhead`).
 *
 * With `since`, the Website may come from a cache. If it has changed again, that status write is refused. The run acts on a cached
 * Website only when its children were written for an older spec, or do not exist yet. So nothing goes back to an older spec. After a
 * change of the spec, the children may come from a cache too. The run writes each of them under its version, or reads them again.
 *
 * With `kept`, a child may be a copy from an earlier run. The run's first write replaces that child under its version, which shows
 * that the copy is as good as a read. Otherwise, the run reads the child.
 *
 * ## Errors
 * A run that lost a race reads everything again, `ATTEMPTS` times in all. A refusal that no retry fixes becomes a condition. So does
 * an error that lasts, such as a missing right.
 * @param done is filled while the run works, so it says what was written even if the run throws.
 * @throws ClusterError for everything else: the sender retries.
 */
export async function reconcile(
  key: WebsiteKey,
  context: Context,
  run: Run = {},
  done: Done = nothingDone(),
): Promise<Reconciled> {
  const { actions, repairs } = done;
  for (let attempt = 1; ; attempt++) {
    done.statusProblem = undefined;
    try {
      const reconciled = await reconcileOnce(key, context, attempt === 1 ? run : everything(run), done);
      return { ...reconciled, actions, repairs };
    } catch (error) {
      await report(error, key, context, done);
      const lostRace = error instanceof ClusterError && error.class === 'conflict';
      if (!lostRace || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Reports an error that may last in the status. */
async function report(error: unknown, key: WebsiteKey, context: Context, done: Done): Promise<void> {
  if (isReported(error)) done.statusProblem = (await reportLasting(key, context, error))?.note;
}

/** What all attempts together did. */
export interface Done {
  readonly actions: string[];
  readonly repairs: Repair[];
  /** The fields that replacements changed: `Deployment spec.replicas`. Never their values. */
  readonly changed: string[];
  /** The generation that became ready, once its status is stored. */
  readonly readied: Readied[];
  /** Why the stored status does not say what it should, after the last attempt. For the log. */
  statusProblem?: string | undefined;
}

export const nothingDone = (): Done => ({ actions: [], repairs: [], changed: [], readied: [] });

async function reconcileOnce(
  key: WebsiteKey,
  context: Context,
  run: Run,
  done: Done,
): Promise<Omit<Reconciled, 'actions' | 'repairs'>> {
  // Read
  const { website, children, scope } = await read(key, context.cluster, run);
  if (website === undefined || website.metadata.deletionTimestamp !== undefined) return GONE;

  // Decide
  const decision = decide(website, children, { ...run, scope, defaults: context.defaults });
  const again = await secondRun(website, children, decision, { ...run, scope }, context.cluster);
  if (again !== undefined) return reconcileOnce(key, context, again, done);

  // Write
  const refusals = await scaleOnce(website, decision, context.cluster, done);
  if (refusals === 'scaled') return reconcileOnce(key, context, { ...run, since: undefined }, done);
  const { result, live } = await writeAll(
    await confirmed(website, decision, context.cluster),
    decision,
    children,
    context,
    done,
  );
  if (result === 'namespace-terminating') return GONE;
  if (isUnconfirmed(run, children, result)) return reconcileOnce(key, context, fromStorage(run, live), done);
  const written = { ...result, refusals: [...refusals, ...result.refusals] };

  // Judge
  return judgeAndReport(live, decision, written, { ...context, isUnprompted: run.isUnprompted }, done);
}

/** Writes what the plan says, and the status of a rollout at the same time. `live` is the Website with that status. */
async function writeAll(
  website: Website,
  decision: Decision,
  children: Children,
  context: Context,
  done: Done,
): Promise<{ readonly result: Awaited<ReturnType<typeof write>>; readonly live: Website }> {
  const ahead = judgeAhead(website, decision, children, context.now);
  const writing = writeAndReport(website, decision.plan, children, context, done);
  if (ahead === undefined) return { result: await writing, live: website };
  const [wrote, reported] = await Promise.allSettled([writing, writeStatus(website, ahead, context)]);
  if (reported.status === 'fulfilled') {
    note(website, ahead, reported.value, done);
    // If the API server refused the write, no rollout has begun, and there is nothing to announce.
    if (!isRefused(wrote) || reported.value.problem !== undefined)
      await announceTransition(website, reported.value, context.cluster);
  }
  const result = await writing;
  if (reported.status === 'rejected') throw reported.reason;
  return { result, live: reported.value.website };
}

const isRefused = (wrote: PromiseSettledResult<Awaited<ReturnType<typeof write>>>): boolean =>
  wrote.status === 'fulfilled' && wrote.value !== 'namespace-terminating' && wrote.value.refusals.length > 0;

/** Judges by the children after the writes, and writes the status if it changed. */
async function judgeAndReport(
  live: Website,
  decision: Decision,
  written: Written,
  context: Context & Pick<Run, 'isUnprompted'>,
  done: Done,
): Promise<Omit<Reconciled, keyof Done>> {
  const now = context.now();
  const judged = await judgeAndExplain(live, decision, written, context.cluster, now);
  if (!isNews(live.status, judged.status) && !createsOptional(decision))
    return { outcome: outcomeOf(judged.verdict, judged.status, now), versions: versionsOf(live, written.children) };
  const isUnexplained = context.isUnprompted === true && done.actions.length === 0;
  const before = isUnexplained ? await storedBefore(live, judged, context.cluster) : undefined;
  const update = before ?? (await writeStatus(live, judged, context));
  note(live, judged, update, done);
  await announceTransition(live, update, context.cluster);
  const unstored = update.isWritten || before !== undefined ? undefined : [live, written.children[CARRIER]];
  return {
    outcome: outcomeOf(update.verdict, judged.status, now, unstored),
    versions: versionsOf(update.website, written.children),
  };
}

/** Notes what a status write did. */
function note(before: Website, { status }: Judged, { website, isWritten, problem }: StatusWrite, done: Done): void {
  done.statusProblem = problem?.note;
  const readied = readiedBy(before.status, website.status, done.actions);
  if (isWritten && readied !== undefined) done.readied.push(readied);
  if (isWritten && isNews(before.status, status)) done.actions.push('update status');
}

/** Once for all attempts: a user or a webhook may take the number away each time, and each change leads to another run. */
async function scaleOnce(
  website: Website,
  { scale: replicas }: Decision,
  cluster: Cluster,
  { actions }: Done,
): ReturnType<typeof scale> {
  if (replicas === undefined || actions.includes(SCALED)) return [];
  const result = await scale(website, replicas, cluster);
  if (result === 'scaled') actions.push(SCALED);
  return result;
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
    done.changed.push(...made.flatMap(changedIn));
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

/**
 * Whether nothing shows that the Deployment is up to date: it came from a cache or a copy, and the API server refused to write it for a
 * reason that no retry fixes.
 */
const isUnconfirmed = (run: Run, before: Children, { children }: Written): boolean =>
  isUnsure(run) && children[CARRIER] === before[CARRIER];

/** There is nothing to do: the garbage collector deletes the children. */
export const GONE: Reconciled = { outcome: { kind: 'gone' }, actions: [], repairs: [], versions: {} };

const versionsOf = (website: Website, children: Children): Versions =>
  Object.fromEntries([website, ...childrenIn(children)].map(({ kind, metadata }) => [kind, metadata.resourceVersion]));

/** Reads the children before the Website, unless the Website may come from a cache. */
async function read(
  key: WebsiteKey,
  cluster: Cluster,
  run: Run,
): Promise<{ readonly website: Website | undefined; readonly children: Children; readonly scope: Scope }> {
  const { scope = SCOPES.asNeeded, since, cached } = run;
  if (since === undefined) {
    const children = await readChildren(key, cluster, scope, { kept: run.kept });
    return { website: await cluster.getWebsite(key), children, scope: widened(scope, children) };
  }
  const [children, website] = await Promise.all([
    readChildren(key, cluster, scope, { kept: run.kept, from: childrenFrom(run) }),
    cached ?? cluster.getWebsite(key, since),
  ]);
  return { website, children, scope: widened(scope, children) };
}

/**
 * A POST carries no version, so the API server cannot refuse a creation that an older spec led to. The status write after it detects
 * the newer spec, so the run makes it even if the status is the same.
 */
const createsOptional = ({ plan: { steps } }: Decision): boolean =>
  steps.flat().some(({ verb, child }) => verb === 'create' && isOptional(child.kind));
