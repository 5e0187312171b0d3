import { dryRun, type DryRun, type DryRunOptions, type RecordedWrite } from '../../../functions/cluster/dry-run.ts';
import type { Cluster } from '../../../functions/cluster/cluster.ts';
import type { Unchecked } from '../../../functions/cluster/unchecked.ts';
import { CARRIER } from '../../../functions/website/children/kinds.ts';
import { differencesBetween } from '../../../functions/website/differences.ts';
import type { Outcome } from '../../../functions/website/status/outcome.ts';
import { nothingDone, reconcile, type Context } from '../../../functions/website/reconcile.ts';
import type { Website, WebsiteKey, WebsiteStatus } from '../../../functions/website/resource.ts';
import { STATUS_NOT_WRITTEN } from '../../../functions/website/reasons.ts';
import { UnwrittenStatus } from '../../../functions/website/status/unwritten.ts';
import { refusalOf, type Refusal } from './refusal.ts';

/** One field that a write sets, changes or removes. */
export interface FieldChange {
  /** Such as `spec.template.spec.containers[0].image`. */
  readonly path: string;
  /** Undefined if the field is new. */
  readonly from?: unknown;
  /** Undefined if the field is removed. */
  readonly to?: unknown;
}

/** One write that the next reconcile makes. */
export interface PlannedChange {
  readonly verb: RecordedWrite['verb'];
  readonly kind: string;
  readonly name: string;
  readonly fields: readonly FieldChange[];
  /** Whether the write starts a rollout: the Deployment replaces its Pods. */
  readonly restartsPods: boolean;
  /** Set if the API server refuses the write. Only the status is shown then: a child that it refuses is part of the status. */
  readonly isRefused?: true | undefined;
}

/** What the next reconcile of one Website does. */
export interface Planned {
  readonly namespace: string;
  readonly name: string;
  readonly changes: readonly PlannedChange[];
  /**
   * Set if the last reconcile of this spec could not make these writes, because the API server refused one of them. This plan did not
   * ask it again, or it failed in the same way. The others may have waited for that one.
   */
  readonly refusedLastTime?: Refusal | undefined;
  /** Why the API server would not store the status as it should be. Known only with dry runs. */
  readonly statusProblem?: string | undefined;
  /** The writes whose dry runs failed. They are among the changes. */
  readonly unchecked?: readonly Unchecked[] | undefined;
  /** Why the API server did not say whether it stores the status, although it was asked about the other writes. */
  readonly statusUnchecked?: string | undefined;
  readonly outcome: Outcome['kind'];
  /** The status after the reconcile. Absent if there is no such Website. */
  readonly status?: WebsiteStatus | undefined;
}

/**
 * Runs the reconcile that the functions run, on a cluster that records its writes.
 * @throws ClusterError if the cluster cannot be read, or the API server refuses a write that it was asked about.
 */
export async function planned(
  { namespace, name }: WebsiteKey,
  cluster: Cluster,
  now: () => Date,
  { defaults, ...options }: DryRunOptions & Pick<Context, 'defaults'> = {},
): Promise<Planned> {
  const run = dryRun(cluster, options);
  const { outcome, statusProblem } = await reconciled(
    { namespace, name },
    { cluster: run.cluster, now, defaults },
    run,
  );
  // The run may have written a shorter status in place of a refused one.
  const writes = run.writes.filter((write) => statusProblem !== undefined || !isRefusedStatus(write));
  const website = outcome.kind === 'gone' ? undefined : await run.cluster.getWebsite({ namespace, name });
  const before = website === undefined ? undefined : refusalOf(websiteBefore(run.writes) ?? website, run.writes);
  // With dry runs, the API server has just accepted the recorded writes, unless one fails as it did last time.
  const isRepeated = options.server === undefined || run.unchecked.some(({ code }) => code === before?.reason);
  return {
    namespace,
    name,
    changes: writes.map(changeOf),
    refusedLastTime: isRepeated ? before : undefined,
    statusProblem,
    unchecked: run.unchecked.length === 0 ? undefined : run.unchecked,
    statusUnchecked: run.statusUnchecked(),
    outcome: outcome.kind,
    status: website?.status,
  };
}

/** The result of the run, also if it ends at a status that the API server fails to store. @throws ClusterError for other errors. */
async function reconciled(
  key: WebsiteKey,
  context: Context,
  { announced }: Pick<DryRun, 'announced'>,
): Promise<{ readonly outcome: Pick<Outcome, 'kind'>; readonly statusProblem?: string | undefined }> {
  const done = nothingDone();
  try {
    const { outcome } = await reconcile(key, context, {}, done);
    return { outcome, statusProblem: done.statusProblem };
  } catch (error) {
    const problem = announced.findLast(({ reason }) => reason === STATUS_NOT_WRITTEN);
    if (!(error instanceof UnwrittenStatus) || problem === undefined) throw error;
    return { outcome: { kind: 'stalled' }, statusProblem: problem.note };
  }
}

/** The Website as the run read it. Undefined if the run did not write it. */
function websiteBefore(writes: readonly RecordedWrite[]): Website | undefined {
  const write = writes.find(({ verb }) => verb === 'scale' || verb === 'update status');
  return write?.verb === 'scale' || write?.verb === 'update status' ? write.before : undefined;
}

function changeOf(write: RecordedWrite): PlannedChange {
  const { kind, metadata } = write.verb === 'delete' ? write.before : write.after;
  const fields = fieldsOf(write);
  const restartsPods =
    write.verb === 'replace' && kind === CARRIER && fields.some(({ path }) => path.startsWith('spec.template.'));
  const isRefused = isRefusedStatus(write);
  return { verb: write.verb, kind, name: metadata.name, fields, restartsPods, ...(isRefused ? { isRefused } : {}) };
}

const isRefusedStatus = (write: RecordedWrite): boolean =>
  write.verb === 'update status' && write.refusal !== undefined;

function fieldsOf(write: RecordedWrite): FieldChange[] {
  switch (write.verb) {
    case 'create':
      return leavesOf(stated(write.after)).map(({ path, value }) => ({ path, to: value }));
    case 'replace':
      return between(stated(write.before), stated(write.after));
    case 'delete':
      return [];
    case 'scale':
      return between({ spec: write.before.spec }, { spec: write.after.spec });
    case 'update status':
      return between({ status: write.before.status }, { status: write.after.status });
  }
}

/** What a writer states. The API server sets the rest. */
function stated(object: { readonly metadata: object; readonly spec: unknown }): object {
  const { labels, annotations, ownerReferences } = object.metadata as Record<string, unknown>;
  return { metadata: { labels, annotations, ownerReferences }, spec: object.spec };
}

const between = (before: object, after: object): FieldChange[] =>
  differencesBetween(before, after).map(({ path, left, right }) => ({ path, from: left, to: right }));

/** The values of an object by path. A list is one value. */
function leavesOf(value: unknown, path = ''): { readonly path: string; readonly value: unknown }[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([name, part]) => leavesOf(part, path === '' ? name : `${path}.${name}`));
}
