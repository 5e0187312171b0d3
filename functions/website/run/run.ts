// What a run reads, and when it has to read more before it acts.
import type { Cluster } from '../../cluster/cluster.ts';
import { CARRIER, type ChildKind, type Children, type DesiredChildren } from '../children/kinds.ts';
import type { Decision } from './decide.ts';
import { SCOPES, isComplete, outOf, seesReadiness, type Scope } from './scope.ts';
import { possibleKinds } from '../plan/marks.ts';
import { areUnchanged, isLeaving, mayConcern } from './others.ts';
import { isNewerThan } from '../plan/ownership.ts';
import { takesAny, type Plan } from '../plan/plan.ts';
import { isRequested } from '../requested.ts';
import type { Website } from '../resource.ts';
import { wereAsDesired } from '../status/status.ts';

/** What a run reads and repeats. */
export interface Run {
  /** The children to read first. Defaults to all that the Website has. The run reads more if these are not enough. */
  readonly scope?: Scope;
  /** A resourceVersion: the Website may come from a cache if it has this version or a newer one. */
  readonly since?: string | undefined;
  /** The Website as a cache showed it to the first attempt of this run. It is not read again. */
  readonly cached?: Website;
  /**
   * Copies of children, each at the version that it carries, or undefined if the child did not exist. The run does not read these.
   */
  readonly kept?: Children | undefined;
  /** Repeats the writes that were reverted last time. */
  readonly afresh?: boolean;
  /** No event led to this run. So if nothing but the status differs, something may change the status on its way in. */
  readonly isUnprompted?: boolean | undefined;
}

/** The same run, but it reads everything, and from the API server's storage. */
export const everything = ({ afresh = false, isUnprompted = false }: Run): Run => ({
  scope: SCOPES.everything,
  afresh,
  isUnprompted,
});

/** The same run, but it reads the children from the API server's storage. It keeps a Website that came from a cache. */
export const fromStorage = (run: Run, website: Website): Run => ({ ...run, kept: undefined, cached: website });

/** The run after one that has seen too little. */
const wider = (run: Run): Run => (run.scope?.wider === undefined ? {} : { ...run, scope: run.scope.wider });

/** If this run has read too little to act, returns the run to make instead. */
export async function secondRun(
  website: Website,
  children: Children,
  decision: Decision,
  run: Run,
  cluster: Cluster,
): Promise<Run | undefined> {
  const { scope = SCOPES.asNeeded, since } = run;
  if (isDoubted(website, children, decision, scope)) return everything(run);
  if (hasSeenTooLittle(website, children, decision, scope)) return wider(run);
  if (mayHaveLagged(run, decision)) return fromStorage(run, website);
  if (decision.plan.steps.length === 0 || scope.unseen === true) return undefined;
  if (since !== undefined && !leadsForward(website, children, decision)) return everything(run);
  const lost = kindsLost(website, children, decision, scope);
  return (await existsAny(lost, website, cluster)) ? everything(run) : undefined;
}

async function existsAny(kinds: readonly ChildKind[], { metadata }: Website, cluster: Cluster): Promise<boolean> {
  const late = await Promise.all(kinds.map((kind) => cluster.getChild(kind, metadata)));
  return late.some((child) => child !== undefined);
}

/** Where a run reads the children. After it found nothing to write into cached children, it reads them from the storage. */
export const childrenFrom = ({ scope, since, cached }: Run): 'cache' | undefined =>
  scope?.mayLag === true && since !== undefined && cached === undefined ? 'cache' : undefined;

/**
 * Whether only a write can show that the Deployment is up to date: it is a copy, it comes from a cache, or an event says that it was
 * deleted.
 */
export const isUnsure = (run: Run): boolean => run.kept !== undefined || childrenFrom(run) === 'cache';

/**
 * Whether the run must read unsure children again before it acts: if its first write does not confirm them, or if something else is
 * written first. A scale writes the Website, with the Deployment's number. A copy may be older than what a cache shows, so nothing is
 * written before the child that replaces it, or at the same time.
 */
function mayHaveLagged(run: Run, { plan: { steps }, scale }: Decision): boolean {
  const [first = []] = steps;
  const isFirst = run.kept === undefined || first.every(({ child }) => Object.hasOwn(run.kept ?? {}, child.kind));
  return isUnsure(run) && (first.length === 0 || scale !== undefined || !isFirst);
}

/**
 * Whether the run must read every kind, even if the Deployment's annotation omits it. A user who requests a reconcile may doubt the
 * annotation, and while the Website was suspended, anybody could edit it.
 */
const isDoubted = (website: Website, children: Children, decision: Decision, scope: Scope): boolean =>
  scope.unseen !== true &&
  !isComplete(scope) &&
  (isRequested(website) || isResumed(website, decision) || mayBeMissing(decision, children));

/** The status of a suspended Website names missing children. Only a read tells whether one that the annotation omits is missing. */
const mayBeMissing = (decision: Decision, children: Children): boolean =>
  decision.spec !== undefined &&
  decision.spec.suspend &&
  Object.values(decision.wanted).some((child) => child !== undefined && !Object.hasOwn(children, child.kind));

const isResumed = ({ status }: Website, { spec }: Decision): boolean =>
  spec?.suspend === false && status?.conditions?.some(({ reason }) => reason === 'Suspended') === true;

function hasSeenTooLittle(website: Website, children: Children, decision: Decision, scope: Scope): boolean {
  // The children of a suspended Website stay as they are, but the status describes them. A scale begins with the Deployment's number.
  if (scope.unseen === true) return decision.spec?.suspend === true || decision.scale !== undefined;
  return outOf(scope).length > 0 && (!areOurs(decision.plan) || !isRestKnown(website, children, decision, scope));
}

/** Whether the last status vouches for the children that this run did not read. */
const isRestKnown = (website: Website, children: Children, decision: Decision, scope: Scope): boolean =>
  wereAsDesired(website) &&
  seesReadiness(scope) &&
  (decision.spec === undefined || areRestKnown(website, children, decision.all, outOf(scope)));

function areRestKnown(website: Website, children: Children, all: DesiredChildren, rest: readonly ChildKind[]): boolean {
  if (rest.some((kind) => isLeaving(kind, children, all))) return false;
  return (
    website.status?.observedGeneration === website.metadata.generation ||
    areUnchanged(website, children, all) ||
    !rest.some((kind) => mayConcern(kind, children, all))
  );
}

/** Whether this Website already owns every child that was read. */
const areOurs = (planned: Plan): boolean => planned.obstacles.length === 0 && !takesAny(planned);

/**
 * A cached Website leads forward when its children were written for an older generation of it, or do not exist yet. A cache
 * cannot tell which Website of a name is the live one, so all children must be ours.
 */
const leadsForward = (website: Website, children: Children, decision: Decision): boolean =>
  areOurs(decision.plan) && isNewerThan(website, children);

/**
 * The optional kinds that this plan removes from the annotation because their child was not found. The caller looks once more after
 * it has read the Website. If the child is still missing, an older run may yet create it. The API server then refuses that run's
 * status write (`createsOptional`), and the run removes the child.
 */
function kindsLost({ metadata }: Website, children: Children, decision: Decision, scope: Scope): readonly ChildKind[] {
  // At generation 1 there is no earlier spec that could have created one.
  if (metadata.generation === 1) return [];
  const wanted = 'wanted' in decision ? decision.wanted : {};
  const isAbsent = (kind: ChildKind) => wanted[kind] === undefined && children[kind] === undefined;
  // The run that judged this spec has read the kinds that this run overlooks.
  return possibleKinds(children[CARRIER]).filter((kind) => isAbsent(kind) && !outOf(scope).includes(kind));
}
