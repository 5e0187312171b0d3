import { REQUESTED_AT, type ObjectMeta, type WebsiteStatus } from './resource.ts';

/** Longest request that is acknowledged unchanged, in UTF-16 code units. */
const LONGEST_TOKEN = 256;
const KEPT_AT_EACH_END = 100;

/**
 * The request to reconcile now, in the form that `status.lastHandledReconcileAt` acknowledges. An annotation may hold 256 KiB, and
 * the status should not repeat them: a long request is acknowledged by its two ends and its length.
 */
export function requestIn({ annotations }: Pick<ObjectMeta, 'annotations'>): string | undefined {
  const token = annotations?.[REQUESTED_AT];
  if (token === undefined || token.length <= LONGEST_TOKEN) return token;
  return `${token.slice(0, KEPT_AT_EACH_END)}…(${token.length})…${token.slice(-KEPT_AT_EACH_END)}`.toWellFormed();
}

/** Whether a request to reconcile waits for its acknowledgement. */
export function isRequested({
  metadata,
  status = {},
}: {
  readonly metadata: Pick<ObjectMeta, 'annotations'>;
  readonly status?: Pick<WebsiteStatus, 'lastHandledReconcileAt'> | undefined;
}): boolean {
  const request = requestIn(metadata);
  return request !== undefined && request !== status.lastHandledReconcileAt;
}
