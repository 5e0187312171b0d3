import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/errors.ts';
import { differences } from './differences.ts';
import type { Verdict } from './reasons.ts';
import type { Website, WebsiteStatus } from './resource.ts';
import { shortened } from './shortened.ts';

/** What a Website says after its status was written, or could not be. */
interface Said {
  /** As it was written, or read where nothing could be written. */
  readonly website: Website;
  readonly verdict: Verdict;
  readonly isWritten: boolean;
}

/** Longest message of a status that has to be small, in bytes. */
const SHORT_MESSAGE = 128;

/**
 * Writes the status. Where the API server refuses it for good, as of a Website that has no room left below etcd's limit, it
 * writes the condition Ready alone. Where that is refused too, the verdict says so, for the Kubernetes Event and the metrics.
 * @throws ClusterError when trying again may help.
 */
export async function writeStatus(
  website: Website,
  { verdict, status }: { readonly verdict: Verdict; readonly status: WebsiteStatus },
  cluster: Cluster,
): Promise<Said> {
  const least = leastOf(status);
  let refusal: ClusterError | undefined;
  for (const each of [status, least]) {
    // It is there already, from when the whole one was refused before.
    if (each === least && differences(website.status, least).length === 0)
      return { website, verdict, isWritten: false };
    try {
      return { website: await cluster.updateStatus({ ...website, status: each }), verdict, isWritten: true };
    } catch (error) {
      if (!(error instanceof ClusterError) || error.class !== 'terminal') throw error;
      refusal = error;
    }
  }
  return { website, verdict: unwritten(verdict, refusal), isWritten: false };
}

function leastOf({ observedGeneration, conditions = [] }: WebsiteStatus): WebsiteStatus {
  const ready = conditions.find(({ type }) => type === 'Ready');
  return {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    conditions: ready === undefined ? [] : [{ ...ready, message: shortened(ready.message, SHORT_MESSAGE) }],
  };
}

function unwritten({ reason, message }: Verdict, refusal: ClusterError | undefined): Verdict {
  const isTooLarge = refusal?.code === 'RequestTooLarge';
  const why = isTooLarge
    ? 'this Website is so large that no status fits beside it: make spec.env, the labels or the annotations smaller'
    : refusal?.message;
  const said = `The status (${reason}: ${shortened(message, SHORT_MESSAGE)}) cannot be written: ${why}`;
  return { state: 'stalled', reason: isTooLarge ? 'TooLarge' : 'Rejected', message: said };
}
