import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/errors.ts';
import { reconcilingBecause } from './conditions.ts';
import { CARRIER, kindOf, type Carrier } from '../children/kinds.ts';
import { differences } from '../differences.ts';
import { isOwnedBy } from '../plan/ownership.ts';
import { isLastingError, type LastingError, type Verdict } from '../reasons.ts';
import { websiteSpec, type Condition, type Website, type WebsiteKey, type WebsiteStatus } from '../resource.ts';
import { historyOf } from './history.ts';
import { unseenStatus } from './status.ts';
import { announceUnwritten, UnwrittenStatus } from './unwritten.ts';
import type { Announcement } from './transition.ts';
import { announceTransition } from './write-status.ts';

/** While RBAC or a webhook is being rolled out, an error may last some seconds. A longer one makes the Website stalled. */
const GRACE_SECONDS = 60;

/** How the message of the condition begins. */
const INTRODUCTIONS: Readonly<Record<LastingError, string>> = {
  Forbidden: 'The functions lack a right: ',
  InternalError: 'The API server fails: ',
};

type ReportedError = ClusterError & { readonly code: LastingError };

/** Whether the Website's status reports this error while it lasts. */
export const isReported = (error: unknown): error is ReportedError =>
  error instanceof ClusterError && isLastingError(error.code) && !(error instanceof UnwrittenStatus);

/**
 * Reports in the Website's status that the run failed, and why. The caller still throws: the sender retries, and the condition
 * disappears once a retry succeeds.
 * @returns what was announced because the status could not be written either.
 */
export async function reportLasting(
  key: WebsiteKey,
  { cluster, now }: { readonly cluster: Cluster; readonly now: () => Date },
  error: ReportedError,
): Promise<Announcement | undefined> {
  try {
    const carrier = await readable(cluster.getChild(CARRIER, key));
    const website = await cluster.getWebsite(key);
    if (website === undefined || website.metadata.deletionTimestamp !== undefined) return undefined;
    const { verdict, status } = failing(website, carrier, error, now());
    if (differences(website.status, status).length === 0) return undefined;
    const written = await cluster.updateStatus({ ...website, status }).catch((failure: unknown) => {
      if (failure instanceof ClusterError) return announceUnwritten(website, verdict, failure, { cluster, now });
      throw failure;
    });
    if (written === undefined || !('metadata' in written)) return written;
    if (verdict.state === 'stalled') await announceTransition(website, { website: written, verdict }, cluster);
  } catch (failure) {
    // Nothing can be read or announced. The next retry reports the error.
    if (!(failure instanceof ClusterError)) throw failure;
  }
  return undefined;
}

async function readable<T>(read: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'Forbidden') return undefined;
    throw error;
  }
}

/**
 * At first, Reconciling records when the errors began. Ready stays as it was, unless it says that a rollout is in progress, which may
 * never have begun. After `GRACE_SECONDS` the Website is stalled.
 */
function failing(
  website: Website,
  carrier: Carrier | undefined,
  error: ReportedError,
  now: Date,
): { readonly verdict: Verdict; readonly status: WebsiteStatus } {
  const seen = withCounts(website, carrier);
  const { conditions = [] } = seen.status;
  const known = conditions.find(({ type, reason }) => type !== 'Ready' && isLastingError(reason));
  const isOfThisSpec = known?.observedGeneration === website.metadata.generation;
  const why = { reason: error.code, message: messageOf(error, isOfThisSpec ? known : undefined) };
  const isStalled = isLasting(known, now);
  const verdict: Verdict = { state: isStalled ? 'stalled' : 'progressing', ...why };
  const ready = conditions.find(({ type }) => type === 'Ready');
  const status =
    !isStalled && ready !== undefined && ready.reason !== 'Progressing'
      ? { ...seen.status, conditions: reconcilingBecause(website, why, now) }
      : unseenStatus(seen, verdict, now);
  return { verdict, status: { ...status, ...historyWith(website, carrier, verdict, now) } };
}

/** The Pods are counted although the run failed. */
function withCounts(website: Website, carrier: Carrier | undefined): Website & { readonly status: WebsiteStatus } {
  const isOurs = carrier !== undefined && isOwnedBy(carrier, website);
  const counts = isOurs ? kindOf(CARRIER).statusFields?.(website, carrier) : {};
  return { ...website, status: { ...website.status, ...counts } };
}

/** The history has an entry for a spec from the first run on, even if that run failed. */
function historyWith(
  website: Website,
  carrier: Carrier | undefined,
  verdict: Verdict,
  now: Date,
): Pick<WebsiteStatus, 'history'> {
  const spec = websiteSpec.safeParse(website.spec).data;
  const history = spec === undefined ? [] : historyOf(website, spec.image, verdict, now, carrier);
  return history.length === 0 ? {} : { history: [...history] };
}

function isLasting(known: Condition | undefined, now: Date): boolean {
  if (known === undefined || known.type === 'Stalled') return known !== undefined;
  const lasted = (now.getTime() - Date.parse(known.lastTransitionTime)) / 1000;
  // Negated, so that an unreadable time (NaN) counts as lasting.
  return !(lasted < GRACE_SECONDS);
}

/**
 * The message of the condition. It stays while the same request fails at the same point: what comes after that, such as the port of a
 * connection, may differ each time, and each difference would be a write.
 */
function messageOf({ code, message }: ReportedError, known: Condition | undefined): string {
  const text = INTRODUCTIONS[code] + message;
  return known !== undefined && failureIn(known.message) === failureIn(text) ? known.message : text;
}

/** `The API server fails: Could not update ...: Internal error occurred: failed calling webhook "policy"`, without what follows. */
const failureIn = (text: string): string => text.split(': ', 4).join(': ');
