import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError, levelOf } from './cluster/errors.ts';
import { RESYNC_MS } from './cluster/patience.ts';
import { Shares } from './cluster/shares.ts';
import { within, type ServedCluster } from './clusters.ts';
import { findDiffering } from './resync/differing.ts';
import type { History } from './history/history.ts';
import { recordingOf, type Recording, type RecordingContext } from './history/recording.ts';
import { countResync, measured } from './telemetry/metrics.ts';
import { logStatusProblem } from './telemetry/status-problem.ts';
import { traced, tracedResync, type ResyncCause } from './telemetry/spans.ts';
import type { Tracing } from './telemetry/tracing.ts';
import { reconcile, type Context, type Done } from './website/reconcile.ts';
import type { Outcome } from './website/status/outcome.ts';
import { repairedIn } from './website/run/repair.ts';
import { keyText, type WebsiteKey } from './website/resource.ts';
import type { Log } from './telemetry/log.ts';
import { isComplete, type ResyncPlace, type ResyncReport } from './resync/report.ts';
import { SCOPES } from './website/run/scope.ts';

export interface ResyncContext extends Context, RecordingContext {
  readonly log: Log;
  readonly resyncPlace: ResyncPlace;
  readonly tracing?: Tracing;
  /** Once it is aborted, no further Website is begun. */
  readonly stopping?: AbortSignal;
}

export interface ResyncLimits {
  readonly timeMs?: number;
  readonly retryAfterMs?: readonly number[];
  readonly failures?: number;
}

/** Leaves 10 s for Websites whose reconcile has started. */
const TIME_MS = RESYNC_MS - 10_000;
/** Waits before failed Websites are retried within the same resync. Most faults are over by then. */
const RETRY_AFTER_MS = [1_000, 5_000];
/** A resync keeps its failures until it has retried them. After so many, it leaves the rest to the next one. */
const MOST_FAILURES = 1_000;
/** Half of the connections to an API server, so that events still get through. */
const PARALLEL = 16;
/**
 * Websites whose Pods a resync looks at again, after everything else. An outage may stop thousands, and our forwarder has each of them
 * looked at anyway. The next resync in the same process continues behind them.
 */
const MOST_LOOKS = 500;
/** Websites between two log lines about progress. */
const PROGRESS = 500;

/**
 * The function `resyncWebsites`, for several clusters at once: an unreachable cluster does not delay the others. A process runs one
 * resync at a time for each cluster. Requests that arrive during a resync share the next one.
 * @throws ClusterError if a list of one cluster cannot be read, after the other clusters are done.
 */
export async function resyncClusters(
  clusters: readonly ServedCluster[],
  cause: ResyncCause,
  context: ClustersContext,
): Promise<ResyncReport> {
  return tracedResync(cause, context, (own) => resyncEach(clusters, own));
}

type ClustersContext = Pick<ResyncContext, 'now' | 'defaults' | 'log' | 'tracing' | 'stopping'> & {
  readonly history?: History;
};

async function resyncEach(clusters: readonly ServedCluster[], context: ClustersContext): Promise<ResyncReport> {
  const work = clusters.map((served) =>
    served.resyncs.run(async () => {
      const own = within(served, context, RESYNC_MS);
      try {
        const report = await resyncWebsites(own);
        if (isComplete(report)) served.resynced.at = context.now();
        return report;
      } catch (error) {
        own.log.error({ err: error }, 'Could not resync Websites');
        throw error;
      }
    }),
  );
  const total = { seen: 0, differing: 0, repaired: 0, stalled: 0, failed: 0, unreached: 0, unfinished: 0 };
  const results = await Promise.allSettled(work);
  // Here and not after an event: no caller waits for this one.
  await context.history?.prune(context.now());
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason;
    for (const [kind, count] of Object.entries(result.value)) total[kind as keyof ResyncReport] += count;
  }
  return total;
}

/**
 * A resync of one cluster: compares every Website and reconciles those that differ from their desired state.
 * - It reads lists in pages, so a resync of settled Websites costs one call for 500 objects instead of three calls each. It holds one
 *   page of each list.
 * - Two may run at once, because only `reconcile` writes.
 * - If time runs out, or if `MOST_FAILURES` failed, the next resync continues behind the last Website of this one. So Websites that
 *   fail every time do not keep the others from their turn.
 * - If the host stops, it finishes what it has begun. The rest counts as unfinished.
 * @throws ClusterError if a list cannot be read.
 */
export async function resyncWebsites(
  { log, resyncPlace, stopping, ...context }: ResyncContext,
  { timeMs = TIME_MS, retryAfterMs = RETRY_AFTER_MS, failures: mostFailures = MOST_FAILURES }: ResyncLimits = {},
): Promise<ResyncReport> {
  const start = performance.now();
  const { seen, differing, large, explained, uncompared, afresh } = await findDiffering(context);
  const known = new Set([...differing, ...large]);
  const isLook = new Set(explained);
  const inTurn = (keys: readonly WebsiteKey[]) => startingBehind(resyncPlace.last, keys);
  const work = [...inTurn(differing), ...inTurn([...large, ...uncompared])];
  const queue = [...work, ...inTurn(explained).slice(0, MOST_LOOKS)];
  const counts = { differing: known.size, repaired: 0, stalled: 0, failed: 0, unreached: 0 };
  let begun = 0;
  let failed = 0;
  const isOver = () => stopping?.aborted === true || performance.now() - start > timeMs;
  const visit = async (key: WebsiteKey): Promise<Failure | undefined> => {
    const recording = recordingOf({ key, eventReason: 'resync' }, context);
    try {
      const scope = isLook.has(key) ? SCOPES.carrier : SCOPES.everything;
      const run = { scope, afresh: afresh.has(key), isUnprompted: true };
      const reconciled = await traced({ key }, context, (own) =>
        measured('resync', recording.done, () => reconcile(key, own, run, recording.done)),
      );
      const { outcome, actions } = reconciled;
      // The lists miss children without our label. `reconcile` finds those by name.
      const isCounted = actions.length > 0 || isMissingFromStatus(outcome);
      counts.differing += Number(isCounted) - Number(known.has(key));
      if (isCounted) counts[outcome.kind === 'stalled' ? 'stalled' : 'repaired']++;
      const about = { ...key, eventReason: 'resync' };
      const what = { outcome: outcome.kind, actions, ...repairedIn(reconciled) };
      if (isCounted) log.info({ ...about, ...what }, 'Reconciled Website');
      logStatusProblem(recording.done, about, log);
      await recording.reconciled(reconciled);
      return undefined;
    } catch (error) {
      failed++;
      const { done } = recording;
      if (done.actions.length === 0) return { key, error, done, recording };
      // A retry begins another record, without what this run wrote.
      await recording.failed(error);
      return { key, error, done };
    }
  };
  const failedOnce = await inParallel(queue, async (key) => {
    if (isOver() || failed >= mostFailures) return undefined;
    resyncPlace.last = key;
    if (++begun % PROGRESS === 0) log.info({ begun, differing: counts.differing }, 'Resyncing Websites');
    return visit(key);
  });
  const failures = await retried(failedOnce, visit, retryAfterMs, { isOver, stopping });
  for (const { key, error, done } of failures) {
    counts[isOfCluster(error) ? 'unreached' : 'failed']++;
    log[levelOf(error)]({ ...key, err: error }, 'Could not reconcile Website');
    logStatusProblem(done, { ...key, eventReason: 'resync' }, log);
  }
  await Promise.all(failures.map(async ({ error, recording }) => recording?.failed(error)));
  const report = { seen, ...counts, unfinished: Math.max(0, work.length - begun) };
  countResync(start, report);
  log.info({ ...report, ms: Math.round(performance.now() - start) }, 'Resynced Websites');
  return report;
}

/** Whether the Website may be too large for a status, so that only the report shows the outcome. */
const isMissingFromStatus = (outcome: Outcome): boolean => outcome.kind === 'stalled' && outcome.reason === 'TooLarge';

interface Failure {
  readonly key: WebsiteKey;
  readonly error: unknown;
  readonly done: Done;
  /** Absent if the failure is recorded already. */
  readonly recording?: Recording;
}

/** Retries once after each wait, while there is time. @returns what still fails. */
async function retried(
  failures: readonly Failure[],
  visit: (key: WebsiteKey) => Promise<Failure | undefined>,
  waitsMs: readonly number[],
  { isOver, stopping }: { readonly isOver: () => boolean; readonly stopping: AbortSignal | undefined },
): Promise<readonly Failure[]> {
  let left = failures;
  for (const waitMs of waitsMs) {
    const [again, permanent] = split(left, isWorthRetrying);
    if (again.length === 0 || isOver()) break;
    await delay(waitMs, undefined, { signal: stopping }).catch(() => {});
    const retry = async (key: WebsiteKey) => (isOver() ? again.find((each) => each.key === key) : visit(key));
    const keys = again.map(({ key }) => key);
    left = [...permanent, ...(await inParallel(keys, retry))];
  }
  return left;
}

const isOfCluster = (error: unknown): boolean => error instanceof ClusterError && error.isOfCluster;

/** Any error other than a `ClusterError` is a bug in the functions, which a retry does not fix. */
const isWorthRetrying = ({ error }: Failure): boolean => error instanceof ClusterError && error.class !== 'terminal';

function split<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

/** Rotates the keys to start behind `last`, if that is one of them. */
function startingBehind(last: WebsiteKey | undefined, keys: readonly WebsiteKey[]): readonly WebsiteKey[] {
  const place = keys.findIndex((key) => last !== undefined && keyText(key) === keyText(last)) + 1;
  return [...keys.slice(place), ...keys.slice(0, place)];
}

/**
 * Works on `PARALLEL` keys at a time, of which one namespace has its share: an admission webhook may hang for all its Websites.
 * @returns the results, without those that are `undefined`.
 */
async function inParallel<R>(
  keys: readonly WebsiteKey[],
  work: (key: WebsiteKey) => Promise<R | undefined>,
): Promise<R[]> {
  const waiting = [...keys];
  const shares = new Shares();
  const results: R[] = [];
  const next = () => {
    const place = waiting.findIndex(({ namespace }) => !shares.isFullOf(namespace, PARALLEL));
    return place === -1 ? undefined : waiting.splice(place, 1)[0];
  };
  // If only keys of a full namespace wait, a worker ends. Those that work in that namespace take the rest.
  const worker = async () => {
    for (let key = next(); key !== undefined; key = next()) {
      shares.take(key.namespace);
      try {
        const result = await work(key);
        if (result !== undefined) results.push(result);
      } finally {
        shares.give(key.namespace);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return results;
}
