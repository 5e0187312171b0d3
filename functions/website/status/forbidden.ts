import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/errors.ts';
import { reconcilingBecause } from './conditions.ts';
import { CARRIER, kindOf, type Carrier } from '../children/kinds.ts';
import { differences } from '../differences.ts';
import { isOwnedBy } from '../plan/ownership.ts';
import type { Verdict } from '../reasons.ts';
import type { Condition, Website, WebsiteKey, WebsiteStatus } from '../resource.ts';
import { unseenStatus } from './status.ts';
import { transitionOf } from './transition.ts';

/** While RBAC is being rolled out, a right may be missing briefly. Only a longer lack makes the Website stalled. */
const GRACE_SECONDS = 60;

/**
 * Reports in the Website's status that the functions lack a right on one of its children. The caller still throws: the sender
 * retries, and the condition disappears once the right is granted.
 */
export async function reportForbidden(
  key: WebsiteKey,
  { cluster, now }: { readonly cluster: Cluster; readonly now: () => Date },
  refusal: ClusterError,
): Promise<void> {
  try {
    const carrier = await readable(cluster.getChild(CARRIER, key));
    const website = await cluster.getWebsite(key);
    if (website === undefined || website.metadata.deletionTimestamp !== undefined) return;
    const { verdict, status } = forbidden(website, carrier, refusal.message, now());
    if (differences(website.status, status).length === 0) return;
    const updated = await cluster.updateStatus({ ...website, status });
    const transition = verdict && transitionOf(website, verdict);
    if (transition !== undefined) await cluster.announce(updated, transition);
  } catch (error) {
    // The status write was refused too, or the Website has changed. The next retry reports the missing right.
    if (!(error instanceof ClusterError)) throw error;
  }
}

async function readable<T>(read: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'Forbidden') return undefined;
    throw error;
  }
}

/** At first, Ready stays as it was, and Reconciling records when the refusals began. After `GRACE_SECONDS` the Website is stalled. */
export function forbidden(
  website: Website,
  carrier: Carrier | undefined,
  refusal: string,
  now: Date,
): { readonly verdict?: Verdict; readonly status: WebsiteStatus } {
  const why = { reason: 'Forbidden', message: `The functions lack a right: ${refusal}` } as const;
  const counts =
    carrier !== undefined && isOwnedBy(carrier, website) ? kindOf(CARRIER).statusFields?.(website, carrier) : {};
  const seen = { ...website, status: { ...website.status, ...counts } };
  const { conditions = [] } = seen.status;
  if (isLasting(conditions, now)) {
    const verdict: Verdict = { state: 'stalled', ...why };
    return { verdict, status: unseenStatus(seen, verdict, now) };
  }
  return conditions.some(({ type }) => type === 'Ready')
    ? { status: { ...seen.status, conditions: reconcilingBecause(website, why, now) } }
    : { status: unseenStatus(seen, { state: 'progressing', ...why }, now) };
}

function isLasting(conditions: readonly Condition[], now: Date): boolean {
  const known = conditions.find(({ type, reason }) => type !== 'Ready' && reason === 'Forbidden');
  if (known === undefined || known.type === 'Stalled') return known !== undefined;
  const lasted = (now.getTime() - Date.parse(known.lastTransitionTime)) / 1000;
  // Negated, so that an unreadable time (NaN) counts as lasting.
  return !(lasted < GRACE_SECONDS);
}
