import { metrics, ValueType } from '@opentelemetry/api';
import { ClusterError } from '../cluster/errors.ts';
import type { Config } from '../config.ts';
import { endTelemetry } from './ending.ts';
import type { Reconciled } from '../website/reconcile.ts';
import type { Log } from './log.ts';
import type { ResyncReport } from '../resync/report.ts';

// OpenTelemetry's API alone: functions that come and go cannot be scraped, so the host decides who is told (docs/metrics.md).
// Where nobody set up an SDK, all of this does nothing. No attribute names an object.

/** In seconds, as OpenTelemetry wants durations. */
const RECONCILE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** A resync ends after 225 s at most. */
const RESYNC_BUCKETS = [0.25, 1, 5, 15, 60, 200];

/**
 * Sends what is counted here to the collector of the configuration. The SDK is loaded only where there is one.
 * @returns what sends the rest, and ends it, within seconds.
 */
export async function metricsFrom({ metricsIntervalMs }: Config, log: Log): Promise<() => Promise<void>> {
  if (metricsIntervalMs === undefined) return async () => {};
  const { exportMetrics } = await import('./otlp.ts');
  const end = exportMetrics(metricsIntervalMs);
  return () => endTelemetry('metrics', end, log);
}

function instruments() {
  const meter = metrics.getMeter('website-reconciler');
  return {
    reconciles: meter.createHistogram('website.reconcile.duration', {
      description: 'Time that reconciling one Website took',
      unit: 's',
      advice: { explicitBucketBoundaries: RECONCILE_BUCKETS },
    }),
    repairs: meter.createCounter('website.repairs', {
      description: 'Children that somebody else had changed and that were put right',
      unit: '{repair}',
      valueType: ValueType.INT,
    }),
    resyncs: meter.createHistogram('website.resync.duration', {
      description: 'Time that a resync took',
      unit: 's',
      advice: { explicitBucketBoundaries: RESYNC_BUCKETS },
    }),
    websites: meter.createCounter('website.resync.websites', {
      description: 'Websites that resyncs came upon',
      unit: '{website}',
      valueType: ValueType.INT,
    }),
  };
}
let made: ReturnType<typeof instruments> | undefined;
/** Made at the first use: an SDK that is set up later than that is never told. */
const all = () => (made ??= instruments());

/** Does the work of reconciling one Website, and counts what came of it. @throws what the work throws. */
export async function measured(trigger: 'event' | 'resync', work: () => Promise<Reconciled>): Promise<Reconciled> {
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
  }
}

/** Counts a resync that began at `start`, of `performance.now()`. */
export function countResync(start: number, report: ResyncReport): void {
  const result = report.unreached + report.unfinished === 0 ? 'complete' : 'incomplete';
  all().resyncs.record(secondsSince(start), { result });
  for (const [kind, count] of Object.entries(report)) all().websites.add(count, { result: kind });
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000;
