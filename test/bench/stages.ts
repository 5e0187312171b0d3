// Where a change of a Website spends its time: read from the logs of both programs, which name each event.
import { quantile } from './rows.ts';

/** A change, on the clock of the machine. */
export interface Change {
  /** As the forwarder names its event. */
  readonly eventId: string;
  readonly askedOn: number;
  /** When the status was seen, from outside. */
  readonly seenOn: number;
}

type Line = Readonly<Record<string, unknown>>;

/** Of both programs. */
export interface Logs {
  readonly forwarder: readonly Line[];
  readonly functions: readonly Line[];
}

/** In the order in which a change goes through them. The times of one change add up to what it took in all. */
const STAGES = [
  'written, and seen by the watch',
  'in the queue',
  'on the way, and in the host',
  'reconciled',
  'status seen',
] as const;
export type StageName = (typeof STAGES)[number] | 'in all';

/** Times in milliseconds. */
export interface StageTimes {
  readonly stage: StageName;
  readonly p50: number;
  readonly p99: number;
  readonly mean: number;
  /** Mean of the slowest hundredth of all changes. */
  readonly slowest: number;
}

export interface Stages {
  readonly times: readonly StageTimes[];
  /** Changes whose event was merged into a later one, so that no line names it. */
  readonly unmatched: number;
  /** Changes that took more than one delivery. */
  readonly retried: number;
  /** Runs that no change asked for, by the reason of their event. */
  readonly otherRuns: Readonly<Record<string, number>>;
}

/** @param from runs that began before this time are not counted. */
export function stagesOf(changes: readonly Change[], logs: Logs, from = 0): Stages {
  const deliveries = byEvent(logs.forwarder, 'Delivered event');
  const runs = byEvent(logs.functions, 'Reconciled Website');
  const matched = changes.flatMap(({ eventId, askedOn, seenOn }) => {
    const [delivery, run] = [deliveries.get(eventId), runs.get(eventId)];
    if (delivery === undefined || run === undefined) return [];
    const sentOn = startOf(delivery);
    const noticedOn = sentOn - Number(delivery['waitedMs']);
    const times = [noticedOn, sentOn, startOf(run), Number(run['time']), seenOn];
    return [{ all: seenOn - askedOn, stages: times.map((time, index) => time - (times[index - 1] ?? askedOn)) }];
  });
  const slowest = matched.toSorted((one, other) => other.all - one.all).slice(0, Math.ceil(matched.length / 100));
  const timesOf = (stage: StageName, of: (each: (typeof matched)[number]) => number): StageTimes => {
    const values = matched.map(of);
    return {
      stage,
      p50: quantile(values, 0.5),
      p99: quantile(values, 0.99),
      mean: mean(values),
      slowest: mean(slowest.map(of)),
    };
  };
  const ids = new Set(changes.map(({ eventId }) => eventId));
  return {
    times: [
      ...STAGES.map((stage, index) => timesOf(stage, ({ stages }) => stages[index] ?? NaN)),
      timesOf('in all', ({ all }) => all),
    ],
    unmatched: changes.length - matched.length,
    retried: changes.filter(({ eventId }) => Number(deliveries.get(eventId)?.['attempt'] ?? 1) > 1).length,
    otherRuns: countsOf(
      [...runs].flatMap(([id, run]) => (!ids.has(id) && startOf(run) >= from ? [String(run['eventReason'])] : [])),
    ),
  };
}

const byEvent = (lines: readonly Line[], message: string): Map<string, Line> =>
  new Map(lines.filter(({ msg }) => msg === message).map((line) => [String(line['eventId']), line]));

const countsOf = (texts: readonly string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length]));

const startOf = (line: Line): number => Number(line['time']) - Number(line['ms']);

const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
