import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/errors.ts';
import { differences } from '../differences.ts';
import { digest } from '../digest.ts';
import type { Verdict } from '../reasons.ts';
import type { Website, WebsiteStatus } from '../resource.ts';
import { LONGEST_QUOTE, shortened } from '../shortened.ts';
import { transitionOf, type Announcement } from './transition.ts';
import { announceUnwritten, refusalReason, unwritten, UnwrittenStatus } from './unwritten.ts';

/** How the Event begins that says `Overridden` about the status, and not about a child. */
export const STATUS_OVERRIDDEN = 'An admission policy or webhook changes the status each time it is written: ';

/** What became of a status. */
export interface StatusWrite {
  /** As it was written, or as it was read if the write failed. */
  readonly website: Website;
  readonly verdict: Verdict;
  readonly isWritten: boolean;
  /** Why the stored status does not say what it should. */
  readonly problem?: Announcement | undefined;
}

interface Judged {
  readonly verdict: Verdict;
  readonly status: WebsiteStatus;
}

interface Context {
  readonly cluster: Cluster;
  readonly now: () => Date;
}

/**
 * Writes the status. If the API server refuses it permanently, for example because the Website is close to etcd's size limit, this
 * writes the condition Ready alone. If that is refused too, the verdict reports it, for the Kubernetes Event and the metrics.
 * @throws UnwrittenStatus if a retry may help. It has been announced if it may last until somebody acts.
 */
export async function writeStatus(website: Website, judged: Judged, context: Context): Promise<StatusWrite> {
  const { verdict, status } = judged;
  try {
    return await stored(website, verdict, status, context);
  } catch (error) {
    if (!isTerminal(error)) throw error;
  }
  const short = shortStatus(status);
  // A previous run has written the short status already.
  if (differences(website.status, short).length === 0) return { website, verdict, isWritten: false };
  try {
    return await stored(website, verdict, short, context);
  } catch (error) {
    if (!isTerminal(error)) throw error;
    const reason = refusalReason(error);
    const problem = unwritten(website, verdict, error, reason, context.now());
    return { website, verdict: { state: 'stalled', reason, message: problem.note }, isWritten: false, problem };
  }
}

const isTerminal = (error: unknown): error is ClusterError =>
  error instanceof ClusterError && error.class === 'terminal';

/** @throws ClusterError */
async function stored(
  website: Website,
  verdict: Verdict,
  status: WebsiteStatus,
  context: Context,
): Promise<StatusWrite> {
  try {
    const written = await context.cluster.updateStatus({ ...website, status });
    return { website: written, isWritten: true, ...asStored(verdict, status, written.status) };
  } catch (error) {
    if (!(error instanceof ClusterError) || isTerminal(error)) throw error;
    await announceUnwritten(website, verdict, error, context);
    throw new UnwrittenStatus(error);
  }
}

/**
 * What a write of this status would come to, if it would change nothing: something changes the status on its way in, and the stored
 * one shows the result of an earlier write. Undefined if the status has to be written. Only a dry run can tell, so this is for a run
 * that no event led to.
 */
export async function storedBefore(
  website: Website,
  { verdict, status }: Judged,
  cluster: Cluster,
): Promise<StatusWrite | undefined> {
  if (differences(essentials(website.status), essentials(status)).length === 0) return undefined;
  try {
    const rehearsed = await cluster.rehearseStatus({ ...website, status });
    if (differences(withoutTimes(website.status), withoutTimes(rehearsed.status)).length > 0) return undefined;
    return { website, isWritten: false, ...asStored(verdict, status, website.status) };
  } catch (error) {
    // The write reports the error.
    if (!(error instanceof ClusterError)) throw error;
    return undefined;
  }
}

/** Announces what a status write changed or could not change, if that is worth a Kubernetes Event. */
export async function announceTransition(
  before: Website,
  { website, verdict, problem }: Pick<StatusWrite, 'website' | 'verdict' | 'problem'>,
  cluster: Cluster,
): Promise<void> {
  const announcement = problem ?? transitionOf(before, verdict);
  if (announcement !== undefined) await cluster.announce(website, announcement);
}

/**
 * The verdict, or that something changes the status on its way in, so that the status does not show the verdict. Another write would
 * be changed too, so this waits for the next event or resync.
 */
function asStored(
  verdict: Verdict,
  written: WebsiteStatus,
  status: WebsiteStatus | undefined,
): Pick<StatusWrite, 'verdict' | 'problem'> {
  const [wanted, found] = [essentials(written), essentials(status)];
  const changed = differences(found, wanted);
  if (changed.length === 0) return { verdict };
  const message = `${STATUS_OVERRIDDEN}${changed.join(', ')}. It said ${verdict.reason}: ${shortened(verdict.message, LONGEST_QUOTE)}`;
  // The same change happens with each write, and one Event says it.
  const once = `status-overridden.${digest(JSON.stringify([wanted, found]))}`;
  return {
    verdict: { state: 'stalled', reason: 'Overridden', message },
    problem: { type: 'Warning', reason: 'Overridden', note: message, once },
  };
}

/** What people and tools rely on. A CRD of an older release may drop the rest. */
function essentials({ observedGeneration, conditions = [] }: WebsiteStatus = {}): object {
  const { status, reason, observedGeneration: generation } = conditions.find(({ type }) => type === 'Ready') ?? {};
  return { observedGeneration, Ready: { status, reason, observedGeneration: generation } };
}

/** Each write of a condition that did not last has a new time. A history alone is no reason for a write (`isNews`). */
function withoutTimes(status: WebsiteStatus = {}): object {
  const conditions = status.conditions?.map((each) => ({ ...each, lastTransitionTime: undefined }));
  return { ...status, conditions, history: undefined };
}

function shortStatus({ observedGeneration, conditions = [] }: WebsiteStatus): WebsiteStatus {
  const ready = conditions.find(({ type }) => type === 'Ready');
  return {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    conditions: ready === undefined ? [] : [{ ...ready, message: shortened(ready.message, LONGEST_QUOTE) }],
  };
}
