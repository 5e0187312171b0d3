import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError, type ErrorCode } from '../cluster/errors.ts';
import { isAheadOf, mayHaveIngress, withMark } from './children.ts';
import type { ChildKind, Children, Versions, Child } from './children.ts';
import { desired, type DesiredChildren } from './desired.ts';
import { differences } from './differences.ts';
import { sayForbidden } from './forbidden.ts';
import { actionOf, plan, type Operation, type Plan } from './plan.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import type { Verdict } from './reasons.ts';
import { websiteSpec, type Website, type WebsiteKey, type WebsiteSpec, type WebsiteStatus } from './resource.ts';
import { transitionOf } from './transition.ts';
import { unseenStatus, statusOf, verdict, wereAsDesired } from './status.ts';
import type { Seen } from './status.ts';
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
  /** What the outcome rests on: each object as it was read last, or written. */
  readonly versions: Versions;
}

/**
 * How much is read before deciding. `website-only` tries to create the children unseen, for a Website that has none yet:
 * creation never overwrites, so a wrong guess costs one more read. `deployment-only` and `without-service` are for where nothing else
 * has changed: a child that is not read is left as it was when the Website was judged last. `everything` leaves nothing out.
 */
export type Reads = 'as-needed' | 'website-only' | 'deployment-only' | 'without-service' | 'everything';

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
  const actions: string[] = [];
  for (let attempt = 1; ; attempt++) {
    try {
      const run: Run = attempt === 1 ? { reads, since } : { reads: 'everything' };
      return { ...(await reconcileOnce(key, context, run, actions)), actions };
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

async function reconcileOnce(
  key: WebsiteKey,
  context: Context,
  run: Run,
  actions: string[],
): Promise<Omit<Reconciled, 'actions'>> {
  // Read
  const { website, children } = await read(key, context.cluster, run);
  if (website === undefined || website.metadata.deletionTimestamp !== undefined) return GONE;

  // Decide
  const decision = decide(website, children, run.reads);
  const more = await moreReads(website, children, decision, run, context.cluster);
  if (more !== undefined) return reconcileOnce(key, context, { reads: more }, actions);

  // Write
  const written = await write(decision.plan, children, context.cluster, actions);
  if (written === 'namespace-terminating') return GONE;
  const now = context.now();
  const judged = judge(website, decision, written, now);
  const isNews = differences(website.status, judged.status).length > 0;
  if (!isNews && !createsIngress(decision))
    return { outcome: outcomeOf(judged.verdict, judged.status, now), versions: versionsOf(website, written.children) };
  const said = await writeStatus(website, judged, context.cluster);
  if (isNews && said.isWritten) actions.push('update status');
  const transition = transitionOf(website, said.verdict);
  if (transition !== undefined) await context.cluster.announce(said.website, transition);
  return { outcome: outcomeOf(said.verdict, judged.status, now), versions: versionsOf(said.website, written.children) };
}

/** Nothing was done: what a Website leaves is the garbage collector's. */
export const GONE: Reconciled = { outcome: { kind: 'gone' }, actions: [], versions: {} };

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
  const { steps, obstacles } = decision.plan;
  if (isPart(reads) && (obstacles.length > 0 || !isRestKnown(website, reads))) return 'as-needed';
  if (steps.length === 0 || reads === 'website-only') return undefined;
  // What a cache says of a Website leads forward where it has no children yet, or they were made for an older one.
  if (since !== undefined && !isAheadOf(website, children)) return 'everything';
  const isLate = losesMark(website, children, decision, reads) && (await cluster.getChild('Ingress', website.metadata));
  return isLate ? 'everything' : undefined;
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
  const ingressNow = reads === 'everything' ? cluster.getChild('Ingress', key) : undefined;
  const [deployment, service, ingress] = await Promise.all([
    cluster.getChild('Deployment', key),
    reads === 'without-service' ? undefined : cluster.getChild('Service', key),
    ingressNow,
  ]);
  if (ingressNow !== undefined || !mayHaveIngress(deployment)) return { deployment, service, ingress };
  return { deployment, service, ingress: await cluster.getChild('Ingress', key) };
}

/** A spec that holds is planned for; one that does not changes nothing. */
export type Decision =
  | { readonly spec: WebsiteSpec; readonly wanted: Partial<DesiredChildren>; readonly plan: Plan }
  | { readonly spec: undefined; readonly plan: Plan; readonly problem: string };

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
  return { spec: spec.data, wanted, plan: spec.data.suspend ? NOTHING : plan(website, wanted, children) };
}

/** What is looked at. The Service is the same whatever the spec says. */
function partOf({ deployment, service, ingress }: DesiredChildren, reads: Reads): Partial<DesiredChildren> {
  if (reads === 'deployment-only') return { deployment };
  return reads === 'without-service' ? { deployment, ingress } : { deployment, service, ingress };
}

/** What stands after the writes. */
interface Written {
  readonly children: Children;
  readonly refusals: Seen['refusals'];
}

/**
 * Carries out a plan step by step. What is refused for good holds up only what counts on it: an Ingress is recreated once it is
 * gone, it is created where the Deployment says that there is one, and the Deployment says so for as long as there is.
 */
async function write(
  { steps }: Plan,
  observed: Children,
  cluster: Cluster,
  actions: string[],
): Promise<Written | 'namespace-terminating'> {
  const children: { -readonly [Part in keyof Children]: Children[Part] } = { ...observed };
  const refusals: Seen['refusals'][number][] = [];
  const kept = new Set<ChildKind>();
  for (const step of steps) {
    const operations = step.flatMap((operation) => possible(operation, children, kept));
    const results = await Promise.allSettled(operations.map((operation) => carryOut(operation, cluster)));
    for (const [index, operation] of operations.entries()) {
      const result = results[index];
      if (result?.status === 'rejected' && operation.verb === 'delete') kept.add(operation.child.kind);
      if (result?.status !== 'fulfilled') continue;
      actions.push(actionOf(operation));
      Object.assign(children, { [operation.child.kind.toLowerCase()]: result.value });
    }
    const refused = refusedForGood(results);
    if (refused.some(({ code }) => code === 'NamespaceTerminating')) return 'namespace-terminating';
    refusals.push(...refused.map(refusalOf));
  }
  return { children, refusals };
}

/** The operation, as far as the steps before it allow it. `kept` are the children whose deletion was refused. */
function possible(operation: Operation, { deployment }: Children, kept: ReadonlySet<ChildKind>): Operation[] {
  const { verb, child } = operation;
  if (verb === 'create' && child.kind === 'Ingress') {
    const isKnown = deployment !== undefined && mayHaveIngress(deployment);
    return isKnown && !kept.has('Ingress') ? [operation] : [];
  }
  if (verb !== 'replace' || child.kind !== 'Deployment' || !kept.has('Ingress')) return [operation];
  const marked = withMark(child);
  return differences(deployment, marked).length > 0 ? [{ ...operation, child: marked }] : [];
}

/**
 * @throws the first failure that is not for good: trying again may help. A missing right comes after the others: it is said on the
 * Website, which a lost race must not be.
 */
function refusedForGood(results: readonly PromiseSettledResult<unknown>[]): ClusterError[] {
  const errors = results.flatMap((result): unknown[] => (result.status === 'fulfilled' ? [] : [result.reason]));
  const passing = errors.filter((error) => !isForGood(error));
  if (passing.length > 0) throw passing.find((error) => !isForbidden(error)) ?? passing[0];
  return errors.filter(isForGood);
}

const isForGood = (error: unknown): error is ClusterError =>
  error instanceof ClusterError && error.class === 'terminal';
const isForbidden = (error: unknown): error is ClusterError =>
  error instanceof ClusterError && error.code === 'Forbidden';

async function carryOut(operation: Operation, cluster: Cluster): Promise<Child | undefined> {
  switch (operation.verb) {
    case 'create':
      return cluster.create(operation.child);
    case 'replace':
      return cluster.replace(operation.child);
    case 'delete':
      await cluster.delete(operation.child);
      return undefined;
  }
}

const REFUSALS: Partial<Record<ErrorCode, Seen['refusals'][number]['reason']>> = {
  QuotaExceeded: 'QuotaExceeded',
  RequestTooLarge: 'TooLarge',
};

const refusalOf = ({ code, message }: ClusterError): Seen['refusals'][number] => ({
  reason: REFUSALS[code] ?? 'Rejected',
  message,
});

/** Judges a Website by its children as they stand, and says what its status should be. */
export function judge(
  website: Website,
  decision: Decision,
  { children, refusals }: Written,
  now: Date,
): { readonly verdict: Verdict; readonly status: WebsiteStatus } {
  if (decision.spec === undefined) {
    const judged: Verdict = { state: 'stalled', reason: 'InvalidSpec', message: decision.problem };
    return { verdict: judged, status: unseenStatus(website, judged, now) };
  }
  // Where nothing had to be written, nothing has changed.
  const remaining = decision.plan.steps.length === 0 ? decision.plan : plan(website, decision.wanted, children);
  const seen: Seen = { spec: decision.spec, children, refusals, remaining };
  const judged = verdict(seen);
  return { verdict: judged, status: statusOf(website, seen, judged, now) };
}
