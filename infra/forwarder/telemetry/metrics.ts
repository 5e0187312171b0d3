import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { EVENT_TYPES } from '../../../functions/events/website-event.ts';
import { EventLoopDelay } from '../../../functions/telemetry/event-loop.ts';
import { VERSION } from '../../../functions/version.ts';
import { PLURAL } from '../../../functions/website/resource.ts';
import type { Health } from './health.ts';
import type { Pending } from '../queue/queue.ts';
import { KINDS } from '../../../functions/website/children/kinds.ts';

/** Where the gauges read their values at each scrape. */
export interface Sources {
  readonly health: Health;
  /** Undefined on a standby, which has no queue. */
  readonly pending: () => Pending | undefined;
  /** Number of known objects, by resource. */
  readonly known: () => ReadonlyMap<string, number>;
  readonly isLeader: () => boolean;
}

const P = 'website_forwarder_';
const RESOURCES = [PLURAL, ...KINDS.map(({ plural }) => plural)];
/** Buckets from less than a warm function takes to a cold start. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const PAUSE_SECONDS = SECONDS.filter((seconds) => seconds <= 10);

/** The metrics of the forwarder, as in docs/metrics.md. No label names an object, so the number of series is bounded. */
export class Metrics {
  readonly registry = new Registry();

  readonly events = this.#counter('events_total', 'Deliveries, by event type and result', ['type', 'result']);
  readonly retries = this.#counter('retries_total', 'Deliveries that retried an event', []);
  readonly lists = this.#counter('lists_total', 'Lists that were started, by reason', ['resource', 'reason']);
  readonly missed = this.#counter('missed_changes_total', 'Changes that the watch missed and a list revealed', [
    'resource',
  ]);
  readonly superseded = this.#counter(
    'superseded_total',
    'Changes that were not sent, because an earlier response of the sink already covered them',
    [],
  );
  readonly deferred = this.#counter('deferred_total', 'Times that a key changed too often and was delayed', []);
  readonly duration = this.#histogram('delivery_duration_seconds', 'Time from sending an event to the response', [
    'result',
  ]);

  readonly watched = this.#histogram(
    'watch_duration_seconds',
    'Time from reading a change to having it in the queue',
    [],
  );
  readonly queued = this.#histogram('queue_duration_seconds', 'Time that an event waited for its turn', ['type']);
  readonly #delays = this.#histogram(
    'event_loop_delay_seconds',
    'How late the event loop ran a timer while events were being sent',
    [],
    PAUSE_SECONDS,
  );
  readonly eventLoop = new EventLoopDelay((seconds) => this.#delays.observe(seconds));

  constructor(sources: Sources) {
    // Each sample of the event loop wakes the process. The defaults of 10 ms for its delay and 100 ms for its utilization would cause
    // most of the CPU use of an idle forwarder.
    collectDefaultMetrics({
      register: this.registry,
      eventLoopMonitoringPrecision: 200,
      eventLoopUtilizationTimeout: 5_000,
      gcDurationBuckets: PAUSE_SECONDS,
    });
    // These series start at 0. Otherwise increase() would miss the first event of a series.
    for (const resource of RESOURCES) this.missed.inc({ resource }, 0);
    for (const type of Object.keys(EVENT_TYPES))
      for (const result of ['accepted', 'rejected', 'failed']) this.events.inc({ type, result }, 0);
    const { health, pending, known, isLeader } = sources;
    this.#gauge('watch_connected', '1 if the watch is open, otherwise 0', ['resource'], (set) => {
      for (const { name, isAbsent, isConnected } of health.watches())
        if (!isAbsent) set({ resource: name }, isConnected ? 1 : 0);
    });
    this.#gauge('watch_progress_age_seconds', 'Time since the API server last sent something', ['resource'], (set) => {
      for (const { name, progressAgeSeconds } of health.watches()) set({ resource: name }, progressAgeSeconds);
    });
    this.#gauge(
      'pending_keys',
      'Keys that are waiting for their turn, for a timer or for the limit of looks, or being handled',
      ['state'],
      (set) => {
        const { queued = 0, delayed = 0, looks = 0, atWork = 0 } = pending() ?? {};
        for (const [state, count] of Object.entries({ queued, delayed, looks, at_work: atWork })) set({ state }, count);
      },
    );
    this.#gauge('oldest_pending_age_seconds', 'Age of the oldest undelivered change', [], (set) =>
      set({}, (pending()?.oldestAgeMs ?? 0) / 1000),
    );
    this.#gauge('known_objects', 'Objects that the forwarder knows', ['resource'], (set) => {
      for (const [resource, count] of known()) set({ resource }, count);
    });
    this.#gauge('build_info', 'Always 1. The label has the release', ['version'], (set) =>
      set({ version: VERSION }, 1),
    );
    this.#gauge('leader', '1 if this replica is leading, otherwise 0', [], (set) => set({}, isLeader() ? 1 : 0));
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: P + name, help, labelNames, registers: [this.registry] });
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets = SECONDS,
  ): Histogram<Label> {
    return new Histogram({ name: P + name, help, labelNames, buckets, registers: [this.registry] });
  }

  /** A gauge that is filled at each scrape. It is reset first, so that series of the past disappear. */
  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: (set: (labels: Partial<Record<Label, string>>, value: number) => void) => void,
  ): void {
    const gauge = new Gauge<string>({
      name: P + name,
      help,
      labelNames,
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        read((labels, value) => gauge.set(labels, value));
      },
    });
  }
}
