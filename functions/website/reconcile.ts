import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/errors.ts';
import type { Children, Versions } from './children.ts';
import { desired, type DesiredChildren } from './desired.ts';
import { differences } from './differences.ts';
import { sayForbidden } from './forbidden.ts';
import { withoutRepeated } from './overridden.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import { isAheadOf, mayHaveIngress } from './ownership.ts';
import { actionOf, plan, takesAny, withoutStamps, type Operation, type Plan } from './plan.ts';
import type { Verdict } from './reasons.ts';
import { websiteSpec, type Website, type WebsiteKey, type WebsiteSpec, type WebsiteStatus } from './resource.ts';
import { announcementOf, repairsOf, type Repair } from './repair.ts';
import { transitionOf } from './transition.ts';
import { statusOf, unseenStatus, verdict, waitsTooLong, wereAsDesired, type Seen } from './status.ts';
import { isForbidden, write, type Written } from './write.ts';
import { writeStatus } from './write-status.ts';

/** What reconciling needs from outside. */
export interface Context {
  readonly cluster: Cluster;
  readonly now: () => Date;
}

export interface Reconciled {
  readonly outcome: Outcome;
  /** The writes that were made, in order: `create Deployment`, `update status`. */
  readonly actions: readonly string[];
  /** What somebody else had changed, and was put right. */
  readonly repairs: readonly Repair[];
  /** What the outcome rests on: each object as it was read last, or written. */
  readonly versions: Versions;
}

/**
 * How much is read before deciding. `website-only` tries to create the children unseen, for a Website that has none yet:
 * creation never overwrites, so a wrong guess costs one more read. `deployment-only` and `without-service` are for where nothing else
 * has changed: a child that is not read is left as it was when the Website was judged last. `everything` leaves nothing out, and `afresh`
 * writes what did not last before, too.
 */
export type Reads = 'as-needed' | 'website-only' | 'deployment-only' | 'without-service' | 'everything' | 'afresh';

/** How often a run that lost a race reads again before it leaves the rest to the sender's retry. */
const ATTEMPTS = 5;

/**
 * Brings one Website's children and status to what its spec says.
 *
 * ## Guarantees
 * Runs of the same Website may overlap. The children are read *before* the Website, and every write to one carries the
 * resourceVersion that was read; so a run that decided by an older spec finds its write refused once a newer run has written.
 * The status is written last, under the resourceVersion of the Website that was judged. That is why the Website may be read as
 * it was `since` a resourceVersion, from a cache: that it has changed again is found out by that write. What it says of its
 * children is acted on only where it is ahead of what they were made for, or where there are none yet, so nothing goes back.
 *
 * ## Errors
 * A lost race is read again, and then everything, `ATTEMPTS` times in all. What the API server refuses for good becomes a
 * condition. Everything else is thrown as the `ClusterError` that it is, for the sender to try again. A right that is missing for
 * longer becomes a condition too.
 */
export async function reconcile(
  key: WebsiteKey,
  context: Context,
  reads: Reads = 'as-needed',
  since?: string,
): Promise<Reconciled> {
  const done: Done = { actions: [], repairs: [] };
  for (let attempt = 1; ; attempt++) {
    try {
      const run: Run = attempt === 1 ? { reads, since } : { reads: reads === 'afresh' ? reads : 'everything' };
      return { ...(await reconcileOnce(key, context, run, done)), ...done };
    } catch (error) {
      if (isForbidden(error)) await sayForbidden(key, context, error);
      const lostRace = error instanceof ClusterError && error.class === 'conflict';
      if (!lostRace || attempt === ATTEMPTS) throw error;
    }
  }
}

/** One attempt. */
interface Run {
  readonly reads: Reads;
  readonly since?: string | undefined;
}

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
  const decision = decide(website, children, run.reads);
  const more = await moreReads(website, children, decision, run, context.cluster);
  if (more !== undefined) return reconcileOnce(key, context, { reads: more }, done);

  // Write
  const live = await proved(website, decision, context.cluster);
  const written = await writeAndTell(live, decision.plan, children, context, done);
  if (written === 'namespace-terminating') return GONE;
  const now = context.now();
  const judged = judge(live, decision, written, now);
  const isNews = differences(live.status, judged.status).length > 0;
  if (!isNews && !createsIngress(decision))
    return { outcome: outcomeOf(judged.verdict, judged.status, now), versions: versionsOf(live, written.children) };
  const said = await writeStatus(live, judged, context.cluster);
  if (isNews && said.isWritten) done.actions.push('update status');
  const transition = transitionOf(live, said.verdict);
  if (transition !== undefined) await context.cluster.announce(said.website, transition);
  return { outcome: outcomeOf(said.verdict, judged.status, now), versions: versionsOf(said.website, written.children) };
}

/** Tells of what was put right also where another write fails: the next attempt no longer sees it. */
async function writeAndTell(
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
 * Before a child is taken from another Website of the name, the API server has to agree that this one is there as it was read: it
 * refuses even a status that says nothing new for one that has changed or gone. That shows that the other is gone.
 */
const proved = async (website: Website, decision: Decision, cluster: Cluster): Promise<Website> =>
  takesAny(decision.plan) ? cluster.updateStatus(website) : website;

/** Nothing was done: what a Website leaves is the garbage collector's. */
export const GONE: Reconciled = { outcome: { kind: 'gone' }, actions: [], repairs: [], versions: {} };

const versionsOf = (website: Website, { deployment, service, ingress }: Children): Versions =>
  Object.fromEntries(
    [website, deployment, service, ingress].flatMap((object) =>
      object === undefined ? [] : [[object.kind, object.metadata.resourceVersion]],
    ),
  );

/** The children come before the Website, unless that may come from a cache. */
async function read(
  key: WebsiteKey,
  cluster: Cluster,
  { reads, since }: Run,
): Promise<{ readonly website: Website | undefined; readonly children: Children }> {
  if (since === undefined) {
    const children = await readChildren(key, cluster, reads);
    return { website: await cluster.getWebsite(key), children };
  }
  const [children, website] = await Promise.all([readChildren(key, cluster, reads), cluster.getWebsite(key, since)]);
  return { website, children };
}

/** What has to be read before anything is done, where that is not enough; nothing where it is. */
async function moreReads(
  website: Website,
  children: Children,
  decision: Decision,
  { reads, since }: Run,
  cluster: Cluster,
): Promise<Reads | undefined> {
  if (isUnseen(website, decision, reads)) return 'as-needed';
  if (decision.plan.steps.length === 0 || reads === 'website-only') return undefined;
  if (since !== undefined && !leadsForward(website, children, decision)) return 'everything';
  const isLate = losesMark(website, children, decision, reads) && (await cluster.getChild('Ingress', website.metadata));
  return isLate ? 'everything' : undefined;
}

/**
 * What a cache says of a Website leads forward where it has no children yet, or they were made for an older one. It does not say
 * which Website of a name is there now.
 */
const leadsForward = (website: Website, children: Children, decision: Decision): boolean =>
  areOurs(decision.plan) && isAheadOf(website, children);

/** Whether every child that was read is this Website's already. */
const areOurs = (planned: Plan): boolean => planned.obstacles.length === 0 && !takesAny(planned);

function isUnseen(website: Website, decision: Decision, reads: Reads): boolean {
  // Children that stay as they are still have to be seen, to say how they are.
  if (reads === 'website-only') return decision.spec?.suspend === true;
  return isPart(reads) && (!areOurs(decision.plan) || !isRestKnown(website, reads));
}

const isPart = (reads: Reads): boolean => reads === 'deployment-only' || reads === 'without-service';

/** Whether the children that are not read were as desired; an Ingress, as it is desired now. */
const isRestKnown = (website: Website, reads: Reads): boolean =>
  wereAsDesired(website) &&
  (reads === 'without-service' || website.status?.observedGeneration === website.metadata.generation);

/**
 * Whether the Deployment is to say that there is no Ingress, for none was seen before the Website was read. Where none is there after it
 * either, whoever still creates one for an older spec learns of it from the status (`createsIngress`), and takes it back. Where the
 * Deployment alone is read, the run that judged this spec has looked.
 */
function losesMark({ metadata }: Website, { deployment, ingress }: Children, { spec }: Decision, reads: Reads) {
  const hadOtherSpec = metadata.generation !== 1;
  const isNone = spec?.host === undefined && ingress === undefined;
  return hadOtherSpec && reads !== 'deployment-only' && isNone && mayHaveIngress(deployment);
}

/** A creation is no write under a version: the status is written after it even where it says nothing new. */
const createsIngress = ({ plan: { steps } }: Decision): boolean =>
  steps.flat().some(({ verb, child }) => verb === 'create' && child.kind === 'Ingress');

async function readChildren(key: WebsiteKey, cluster: Cluster, reads: Reads): Promise<Children> {
  if (reads === 'website-only') return {};
  if (reads === 'deployment-only') return { deployment: await cluster.getChild('Deployment', key) };
  const ingressNow = reads === 'everything' || reads === 'afresh' ? cluster.getChild('Ingress', key) : undefined;
  const [deployment, service, ingress] = await Promise.all([
    cluster.getChild('Deployment', key),
    reads === 'without-service' ? undefined : cluster.getChild('Service', key),
    ingressNow,
  ]);
  if (ingressNow !== undefined || !mayHaveIngress(deployment)) return { deployment, service, ingress };
  return { deployment, service, ingress: await cluster.getChild('Ingress', key) };
}

interface Planned {
  readonly spec: WebsiteSpec;
  readonly wanted: Partial<DesiredChildren>;
  readonly plan: Plan;
  /** What is not written, since it did not last. */
  readonly repeated: readonly Operation[];
}

/** A spec that holds is planned for; one that does not changes nothing. */
export type Decision = Planned | { readonly spec: undefined; readonly plan: Plan; readonly problem: string };

const NOTHING: Plan = { steps: [], obstacles: [] };

/** Decides what to write, from what was read alone, and of that alone. */
export function decide(website: Website, children: Children, reads: Reads = 'as-needed'): Decision {
  const spec = websiteSpec.safeParse(website.spec);
  if (!spec.success) {
    const [issue] = spec.error.issues;
    return {
      spec: undefined,
      plan: NOTHING,
      problem: `${['spec', ...(issue?.path ?? [])].join('.')}: ${issue?.message}`,
    };
  }
  const wanted = partOf(desired(website, spec.data), reads);
  const decided = { spec: spec.data, wanted, repeated: [] };
  if (spec.data.suspend) return { ...decided, plan: NOTHING };
  const planned = plan(website, wanted, children);
  return reads === 'afresh' ? { ...decided, plan: planned } : { ...decided, ...withoutRepeated(planned, website) };
}

/** What is looked at. The Service is the same whatever the spec says. */
function partOf({ deployment, service, ingress }: DesiredChildren, reads: Reads): Partial<DesiredChildren> {
  if (reads === 'deployment-only') return { deployment };
  return reads === 'without-service' ? { deployment, ingress } : { deployment, service, ingress };
}

interface Judged {
  readonly verdict: Verdict;
  readonly status: WebsiteStatus;
}

function remainingOf(website: Website, decision: Planned, children: Children): Plan {
  const { spec, wanted, plan: planned, repeated } = decision;
  if (spec.suspend) return withoutStamps(plan(website, wanted, children));
  // Where nothing had to be written, nothing has changed.
  return planned.steps.length === 0 ? { ...planned, steps: [repeated] } : plan(website, wanted, children);
}

/** Judges a Website by its children as they stand, and says what its status should be. */
export function judge(website: Website, decision: Decision, { children, refusals }: Written, now: Date): Judged {
  if (decision.spec === undefined) {
    const judged: Verdict = { state: 'stalled', reason: 'InvalidSpec', message: decision.problem };
    return { verdict: judged, status: unseenStatus(website, judged, now) };
  }
  const seen: Seen = {
    spec: decision.spec,
    children,
    refusals,
    remaining: remainingOf(website, decision, children),
    waitsTooLong: waitsTooLong(website, now),
  };
  const judged = verdict(seen);
  return { verdict: judged, status: statusOf(website, seen, judged, now) };
}
