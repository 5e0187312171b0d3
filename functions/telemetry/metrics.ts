import { metrics, ValueType } from '@opentelemetry/api';
import { ClusterError } from '../cluster/errors.ts';
import type { CallObserver } from '../cluster/transport.ts';
import type { Config } from '../config.ts';
import { endTelemetry } from './ending.ts';
import { EventLoopDelay } from './event-loop.ts';
import type { Done, Reconciled } from '../website/reconcile.ts';
import type { Log } from './log.ts';
import { isComplete, type ResyncReport } from '../resync/report.ts';

// Uses only OpenTelemetry's API. Functions come and go, so a scraper would miss them: the host sends their metrics
// (docs/metrics.md). Without an SDK, the instruments do nothing. No attribute names an object.

/** In seconds, the unit of durations in OpenTelemetry. */
const RECONCILE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From a call that a cache answers to an overloaded API server. */
const STAGE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const PAUSE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
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
  const { exportMetrics, observeCollections } = await import('./otlp-metrics.ts');
  const end = exportMetrics(metricsIntervalMs);
  eventLoop = new EventLoopDelay((seconds) => all().delays.record(seconds));
  observeCollections((seconds, type) => all().collections.record(seconds, { 'v8js.gc.type': type }));
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
    waits: meter.createHistogram('website.wait.duration', {
      description: 'Time that the work waited in the functions, by what it waited for',
      unit: 's',
      advice: { explicitBucketBoundaries: STAGE_BUCKETS },
    }),
    calls: meter.createHistogram('website.api.duration', {
      description: 'Duration of a call to the API server',
      unit: 's',
      advice: { explicitBucketBoundaries: STAGE_BUCKETS },
    }),
    delays: meter.createHistogram('website.event_loop.delay', {
      description: 'How late the event loop ran a timer while Websites were being reconciled',
      unit: 's',
      advice: { explicitBucketBoundaries: PAUSE_BUCKETS },
    }),
    collections: meter.createHistogram('v8js.gc.duration', {
      description: 'Duration of a garbage collection',
      unit: 's',
      advice: { explicitBucketBoundaries: PAUSE_BUCKETS },
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
/** Absent without a collector, because the samples would have no use. */
let eventLoop: EventLoopDelay | undefined;

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
  const end = eventLoop?.begin();
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
    end?.();
    for (const { change, seconds } of readied) all().ready.record(seconds, { change });
  }
}

/**
 * Records how long work waited.
 * @param cause `place`: for one of `MAX_CONCURRENT` places. `turn`: until another call may be sent to the API server. `batch`: for the
 * slowest event of its batch.
 */
export const countWait = (cause: 'place' | 'turn' | 'batch', ms: number): void =>
  all().waits.record(ms / 1000, { cause });

/** Records the calls to the API server. The attributes have few values: `what` begins with a verb and a resource. */
export const callObserver: CallObserver = {
  waited: (ms) => countWait('turn', ms),
  ended(what, ms, status) {
    const [verb = '', resource = ''] = what.split(' ', 2);
    all().calls.record(ms / 1000, { verb, resource, code: String(status ?? 'none') });
  },
};

/** Records a resync. @param start its start, from `performance.now()`. */
export function countResync(start: number, report: ResyncReport): void {
  const result = isComplete(report) ? 'complete' : 'incomplete';
  all().resyncs.record(secondsSince(start), { result });
  for (const [kind, count] of Object.entries(report)) all().websites.add(count, { result: kind });
}

/** Counts records of the history. Only those that are `written` are in it. */
export const countRecords = (result: 'written' | 'failed' | 'late' | 'full', count: number): void =>
  all().records.add(count, { result });

const secondsSince = (start: number): number => (performance.now() - start) / 1000;
