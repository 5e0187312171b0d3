import type { RecordedWrite } from '../../../functions/cluster/dry-run.ts';
import type { ReadyReason } from '../../../functions/website/reasons.ts';
import { wasWritten } from '../../../functions/website/run/repair.ts';
import type { Condition, Website } from '../../../functions/website/resource.ts';

/** What the API server answered to a write of the last reconcile. */
export type Refusal = Pick<Condition, 'reason' | 'message'>;

const REFUSALS: ReadonlySet<string> = new Set<ReadyReason>([
  'Rejected',
  'QuotaExceeded',
  'MissingApi',
  'TooLarge',
  'Forbidden',
  'InternalError',
]);

/**
 * Why the last reconcile could not make these writes. Undefined if it was about another spec, or if one of the writes is new: a plan does
 * not know what the API server says of that one.
 */
export function refusalOf(website: Website, writes: readonly RecordedWrite[]): Refusal | undefined {
  const { generation } = website.metadata;
  const refusal = website.status?.conditions?.find(
    ({ type, reason, observedGeneration }) =>
      type !== 'Ready' && REFUSALS.has(reason) && observedGeneration === generation,
  );
  const ofChildren = writes.filter(({ verb }) => verb !== 'update status');
  if (refusal === undefined || ofChildren.length === 0) return undefined;
  if (!ofChildren.every((write) => wasTried(write, website))) return undefined;
  return { reason: refusal.reason, message: refusal.message };
}

/** Whether the last reconcile sent this write too. A child that was written for this spec has been changed since. */
const wasTried = (write: RecordedWrite, website: Website): boolean =>
  write.verb !== 'replace' || !wasWritten(write.before, website);
