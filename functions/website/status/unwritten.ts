// A status that the API server does not store. No condition can say so, so a Kubernetes Event does.
import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/errors.ts';
import { isLastingError, STATUS_NOT_WRITTEN, type ReadyReason, type Verdict } from '../reasons.ts';
import type { Website } from '../resource.ts';
import { LONGEST_QUOTE, shortened } from '../shortened.ts';
import { spanOf, type Announcement } from './transition.ts';

/** The API server did not store the status, and a retry may help. */
export class UnwrittenStatus extends ClusterError {
  constructor({ code, message, status, retryAfterSeconds, cause }: ClusterError) {
    super(code, message, { status, retryAfterSeconds, cause });
  }
}

/** Room for the verdict behind it, because an Event's note has 1,024 bytes. */
const LONGEST_CAUSE = 768;

const TOO_LARGE =
  'this Website is so large that its status does not fit: make spec.env, the labels or the annotations smaller';

/** The reason that stands for a permanent refusal of a status. */
export const refusalReason = ({ code }: ClusterError): 'TooLarge' | 'Rejected' =>
  code === 'RequestTooLarge' ? 'TooLarge' : 'Rejected';

/**
 * The Event about a status that could not be written. As long as the Website does not change, there is one in ten minutes. So a recent
 * Event means that the status is out of date.
 * @param verdict what the status should say.
 * @param why stands for the error.
 */
export function unwritten(
  { metadata: { resourceVersion } }: Website,
  verdict: Pick<Verdict, 'reason' | 'message'>,
  error: ClusterError,
  why: ReadyReason,
  now: Date,
): Announcement {
  const cause = why === 'TooLarge' ? TOO_LARGE : shortened(error.message, LONGEST_CAUSE);
  const { reason, message } = verdict;
  return {
    type: 'Warning',
    reason: STATUS_NOT_WRITTEN,
    note: `The status cannot be written (${why}): ${cause}. It should say ${reason}: ${shortened(message, LONGEST_QUOTE)}`,
    once: `status-not-written.${resourceVersion}.${spanOf(now)}`,
  };
}

/** Announces an error of a status write, unless it says nothing about this Website. @returns what was announced. */
export async function announceUnwritten(
  website: Website,
  verdict: Verdict,
  error: ClusterError,
  { cluster, now }: { readonly cluster: Cluster; readonly now: () => Date },
): Promise<Announcement | undefined> {
  const refusal = error.class === 'terminal' ? refusalReason(error) : undefined;
  const why = isLastingError(error.code) ? error.code : refusal;
  if (why === undefined) return undefined;
  const announcement = unwritten(website, verdict, error, why, now());
  await cluster.announce(website, announcement);
  return announcement;
}
