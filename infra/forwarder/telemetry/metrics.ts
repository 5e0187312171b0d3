import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { EVENT_TYPES } from '../../../functions/events/website-event.ts';
import { PLURAL } from '../../../functions/website/resource.ts';
import type { Health } from './health.ts';
import type { Pending } from '../queue/queue.ts';
import { KINDS } from '../../../functions/website/children/kinds.ts';

/** Measures that are read when they are asked for. */
export interface Sources {
  readonly health: Health;
  /** Of the queue that works now; absent on a standby. */
  readonly pending: () => Pending | undefined;
  /** Objects that are remembered, by resource. */
  readonly known: () => ReadonlyMap<string, number>;
  readonly isLeader: () => boolean;
}

const P = 'website_forwarder_';
const RESOURCES = [PLURAL, ...KINDS.map(({ plural }) => plural)];
/** From a function that is warm to one that starts cold. */
const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What /metrics says; docs/metrics.md is the table for people. No label names an object, so their number is bounded. */
export class Metrics {
  readonly registry = new Registry();

  readonly events = this.#counter('events_total', 'Deliveries by event type and what the sink made of them', [
    'type',
    'result',
  ]);
  readonly retries = this.#counter('retries_total', 'Deliveries that were not the first of their event', []);
  readonly lists = this.#counter('lists_total', 'Lists that were begun, by what they were needed for', [
    'resource',
    'reason',
  ]);
  readonly missed = this.#counter('missed_changes_total', 'Changes that no watch told and a list revealed', [
    'resource',
  ]);
  readonly superseded = this.#counter(
    'superseded_total',
    'Changes that were not sent, since an answer of the sink rests on them already',
    [],
  );
  readonly deferred = this.#counter('deferred_total', 'Times that a key came too often and was put off', []);
  readonly duration = new Histogram({
    name: `${P}delivery_duration_seconds`,
    help: 'Time from sending an event to the answer',
    labelNames: ['result'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  constructor(sources: Sources) {
    // It looks at the event loop so often, and each look wakes the process: every 10 ms would be its only work while nothing happens.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 200 });
    // A series that begins at its first event hides that event from increase().
    for (const resource of RESOURCES) this.missed.inc({ resource }, 0);
    for (const type of Object.keys(EVENT_TYPES))
      for (const result of ['accepted', 'rejected', 'failed']) this.events.inc({ type, result }, 0);
    const { health, pending, known, isLeader } = sources;
    this.#gauge('watch_connected', 'Whether the watch is open: 1 or 0', ['resource'], (set) => {
      for (const { name, isConnected } of health.watches()) set({ resource: name }, isConnected ? 1 : 0);
    });
    this.#gauge('watch_progress_age_seconds', 'Time since the API server gave something', ['resource'], (set) => {
      for (const { name, progressAgeSeconds } of health.watches()) set({ resource: name }, progressAgeSeconds);
    });
    this.#gauge('pending_keys', 'Keys that wait for their turn, for their time, or are at work', ['state'], (set) => {
      const { queued = 0, delayed = 0, atWork = 0 } = pending() ?? {};
      for (const [state, count] of Object.entries({ queued, delayed, at_work: atWork })) set({ state }, count);
    });
    this.#gauge('oldest_pending_age_seconds', 'How long the oldest change has not been handled', [], (set) =>
      set({}, (pending()?.oldestAgeMs ?? 0) / 1000),
    );
    this.#gauge('known_objects', 'Objects that are remembered', ['resource'], (set) => {
      for (const [resource, count] of known()) set({ resource }, count);
    });
    this.#gauge('leader', 'Whether this one does the work: 1 or 0', [], (set) => set({}, isLeader() ? 1 : 0));
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: P + name, help, labelNames, registers: [this.registry] });
  }

  /** A gauge that is read, and made anew, each time it is asked for: what has gone is not shown for ever. */
  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: (set: (labels: Partial<Record<Label, string>>, value: number) => void) => void,
  ): void {
    const gauge: Gauge<Label> = new Gauge({
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
