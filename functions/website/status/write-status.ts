import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/errors.ts';
import { differences } from '../differences.ts';
import type { Verdict } from '../reasons.ts';
import type { Website, WebsiteStatus } from '../resource.ts';
import { shortened } from '../shortened.ts';
import { transitionOf } from './transition.ts';

/** What became of a status. */
export interface StatusWrite {
  /** As it was written, or as it was read if the write failed. */
  readonly website: Website;
  readonly verdict: Verdict;
  readonly isWritten: boolean;
}

/** Longest message in a short status, in bytes. */
const SHORT_MESSAGE = 128;

/**
 * Writes the status. If the API server refuses it permanently, for example because the Website is close to etcd's size limit, this
 * writes the condition Ready alone. If that is refused too, the verdict reports it, for the Kubernetes Event and the metrics.
 * @throws ClusterError if a retry may help.
 */
export async function writeStatus(
  website: Website,
  { verdict, status }: { readonly verdict: Verdict; readonly status: WebsiteStatus },
  cluster: Cluster,
): Promise<StatusWrite> {
  const short = shortStatus(status);
  let refusal: ClusterError | undefined;
  for (const each of [status, short]) {
    // A previous run has written the short status already.
    if (each === short && differences(website.status, short).length === 0)
      return { website, verdict, isWritten: false };
    try {
      const stored = await cluster.updateStatus({ ...website, status: each });
      return { website: stored, verdict: asStored(verdict, each, stored.status), isWritten: true };
    } catch (error) {
      if (!(error instanceof ClusterError) || error.class !== 'terminal') throw error;
      refusal = error;
    }
  }
  return { website, verdict: unwritten(verdict, refusal), isWritten: false };
}

/** Announces what a status write changed, if that is worth a Kubernetes Event. */
export async function announceTransition(
  before: Website,
  { website, verdict }: Pick<StatusWrite, 'website' | 'verdict'>,
  cluster: Cluster,
): Promise<void> {
  const transition = transitionOf(before, verdict);
  if (transition !== undefined) await cluster.announce(website, transition);
}

/**
 * The verdict, or that something changes the status on its way in, so that the status does not show the verdict. Another write would
 * be changed too, so this waits for the next event or resync.
 */
function asStored(verdict: Verdict, written: WebsiteStatus, stored: WebsiteStatus | undefined): Verdict {
  const changed = differences(essentials(stored), essentials(written));
  if (changed.length === 0) return verdict;
  const message = `An admission policy or webhook changes the status each time it is written: ${changed.join(', ')}. It said ${verdict.reason}: ${shortened(verdict.message, SHORT_MESSAGE)}`;
  return { state: 'stalled', reason: 'Overridden', message };
}

/** What people and tools rely on. A CRD of an older release may drop the rest. */
function essentials({ observedGeneration, conditions = [] }: WebsiteStatus = {}): object {
  const { status, reason, observedGeneration: generation } = conditions.find(({ type }) => type === 'Ready') ?? {};
  return { observedGeneration, Ready: { status, reason, observedGeneration: generation } };
}

function shortStatus({ observedGeneration, conditions = [] }: WebsiteStatus): WebsiteStatus {
  const ready = conditions.find(({ type }) => type === 'Ready');
  return {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    conditions: ready === undefined ? [] : [{ ...ready, message: shortened(ready.message, SHORT_MESSAGE) }],
  };
}

function unwritten({ reason, message }: Verdict, refusal: ClusterError | undefined): Verdict {
  const isTooLarge = refusal?.code === 'RequestTooLarge';
  const why = isTooLarge
    ? 'this Website is so large that its status does not fit: make spec.env, the labels or the annotations smaller'
    : refusal?.message;
  const text = `The status (${reason}: ${shortened(message, SHORT_MESSAGE)}) cannot be written: ${why}`;
  return { state: 'stalled', reason: isTooLarge ? 'TooLarge' : 'Rejected', message: text };
}
