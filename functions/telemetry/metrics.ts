import { metrics, ValueType } from '@opentelemetry/api';
import { ClusterError } from '../cluster/errors.ts';
import type { Config } from '../config.ts';
import { endTelemetry } from './ending.ts';
import type { Done, Reconciled } from '../website/reconcile.ts';
import type { Log } from './log.ts';
import { isComplete, type ResyncReport } from '../resync/report.ts';

// Uses only OpenTelemetry's API. Functions come and go, so a scraper would miss them: the host sends their metrics
// (docs/metrics.md). Without an SDK, the instruments do nothing. No attribute names an object.

/** In seconds, the unit of durations in OpenTelemetry. */
const RECONCILE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** A rollout may take until its progress deadline, and longer. The times behind it are whole seconds. */
const READY_BUCKETS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800];
/** A resync takes at most 225 s. */
const RESYNC_BUCKETS = [0.25, 1, 5, 15, 60, 200];

/**
 * Sends metrics to the configured collector. Without a collector, it does not load the SDK.
 * @returns a function that sends the last metrics and shuts the exporter down, within seconds.
 */
export async function metricsFrom({ metricsIntervalMs }: Config, log: Log): Promise<() => Promise<void>> {
  if (metricsIntervalMs === undefined) return async () => {};
  const { exportMetrics } = await import('./otlp-metrics.ts');
  const end = exportMetrics(metricsIntervalMs);
  return () => endTelemetry('metrics', end, log);
}

function instruments() {
  const meter = metrics.getMeter('website-reconciler');
  return {
    reconciles: meter.createHistogram('website.reconcile.duration', {
      description: 'Duration of reconciling one Website',
      unit: 's',
      advice: { explicitBucketBoundaries: RECONCILE_BUCKETS },
    }),
    ready: meter.createHistogram('website.ready.duration', {
      description: 'Time from when the functions first saw a new spec until the site was ready with it',
      unit: 's',
      advice: { explicitBucketBoundaries: READY_BUCKETS },
    }),
    repairs: meter.createCounter('website.repairs', {
      description: 'Children that another client had changed and the functions repaired',
      unit: '{repair}',
      valueType: ValueType.INT,
    }),
    resyncs: meter.createHistogram('website.resync.duration', {
      description: 'Duration of a resync',
      unit: 's',
      advice: { explicitBucketBoundaries: RESYNC_BUCKETS },
    }),
    records: meter.createCounter('website.history.records', {
      description: 'Records for the history, by what became of them',
      unit: '{record}',
      valueType: ValueType.INT,
    }),
    websites: meter.createCounter('website.resync.websites', {
      description: 'Websites that resyncs handled, by result',
      unit: '{website}',
      valueType: ValueType.INT,
    }),
  };
}
let created: ReturnType<typeof instruments> | undefined;
/** Created at the first use, so that an SDK can be set up before. An SDK that is registered later gets no data. */
const all = () => (created ??= instruments());

/**
 * Runs a reconcile and records its duration and outcome.
 * @param done is filled by the run, also if it throws.
 * @throws what `work` throws.
 */
export async function measured(
  trigger: 'event' | 'resync',
  { readied }: Pick<Done, 'readied'>,
  work: () => Promise<Reconciled>,
): Promise<Reconciled> {
  const start = performance.now();
  const record = (attributes: { outcome: string; reason?: string }) =>
    all().reconciles.record(secondsSince(start), { trigger, ...attributes });
  try {
    const reconciled = await work();
    const { outcome, repairs } = reconciled;
    for (const { kind } of repairs) all().repairs.add(1, { kind });
    record({ outcome: outcome.kind, ...('reason' in outcome ? { reason: outcome.reason } : {}) });
    return reconciled;
  } catch (error) {
    record({ outcome: 'failed', reason: error instanceof ClusterError ? error.code : 'Internal' });
    throw error;
  } finally {
    for (const { change, seconds } of readied) all().ready.record(seconds, { change });
  }
}

/** Records a resync. @param start its start, from `performance.now()`. */
export function countResync(start: number, report: ResyncReport): void {
  const result = isComplete(report) ? 'complete' : 'incomplete';
  all().resyncs.record(secondsSince(start), { result });
  for (const [kind, count] of Object.entries(report)) all().websites.add(count, { result: kind });
}

/** Counts records of the history. Only those that are `written` are in it. */
export const countRecords = (result: 'written' | 'failed' | 'late' | 'paused' | 'full', count: number): void =>
  all().records.add(count, { result });

const secondsSince = (start: number): number => (performance.now() - start) / 1000;
