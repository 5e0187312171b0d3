// What a phase brought, and what it took.
import { setTimeout as delay } from 'node:timers/promises';
import { quantile, type BenchCluster } from './measure.ts';
import { PHASES, TRAILING_MS, type Course, type PhaseName, type Stage } from './phases.ts';
import { between, requestsTo, writesIn, type Requests } from './requests.ts';
import type { Expectation, Watched } from './tracker.ts';
import { cpuMs, rssMiB } from './usage.ts';

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** One phase of one subject in one round. */
export interface PhaseResult {
  readonly subject: string;
  readonly round?: number;
  readonly phase: PhaseName;
  /** What was asked for, and what of that never came. */
  readonly count: number;
  readonly unmet: number;
  /** From the first that was asked for to the last that was there. */
  readonly seconds?: number;
  readonly perSecond?: number;
  /** From asking to being seen, in milliseconds. */
  readonly latencyMs: Readonly<Partial<Record<Watched, Latency>>>;
  /** By process; of the API server and etcd too. */
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly rssMiB: Readonly<Record<string, number>>;
  readonly peakRssMiB: Readonly<Record<string, number>>;
  /** How long the phase took, in milliseconds, until its figures were read. */
  readonly elapsedMs: number;
  /** Of the subject. */
  readonly requests: Requests;
  readonly writes: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** Goes through a phase, and reads the clocks and counters around it. */
export async function resultOf(
  phase: PhaseName,
  stage: Stage,
  { transport, pids }: BenchCluster,
): Promise<Omit<PhaseResult, 'subject'>> {
  const processes = { ...stage.running.pids, ...Object.fromEntries(pids) };
  const each = (of: (pid: number) => number) =>
    Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, of(pid)]));
  const requests = await requestsTo(transport);
  const before = each(cpuMs);
  const start = performance.now();
  const course = await PHASES[phase](stage);
  await delay(TRAILING_MS);
  const after = each(cpuMs);
  const answered = between(requests, await requestsTo(transport), course.own);
  return {
    phase,
    ...figuresOf(course),
    cpuMs: Object.fromEntries(Object.keys(processes).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)])),
    rssMiB: each((pid) => rssMiB(pid, 'VmRSS')),
    peakRssMiB: each((pid) => rssMiB(pid, 'VmHWM')),
    elapsedMs: performance.now() - start,
    requests: answered,
    writes: writesIn(answered),
    figures: course.figures ?? {},
  };
}

function figuresOf({ expectations }: Course) {
  const unmet = expectations.filter(({ missing }) => missing.size > 0).length;
  const seconds = secondsOf(expectations);
  const met = expectations.length - unmet;
  const latencyMs = Object.fromEntries(
    (['deployment', 'service', 'website'] as const).flatMap((watched) => {
      const values = expectations.flatMap(({ after }) => after[watched] ?? []);
      return values.length === 0 ? [] : [[watched, { p50: quantile(values, 0.5), p99: quantile(values, 0.99) }]];
    }),
  );
  const rate = seconds === undefined ? {} : { seconds, perSecond: met / seconds };
  return { count: expectations.length, unmet, ...rate, latencyMs };
}

function secondsOf(expectations: readonly Expectation[]): number | undefined {
  if (expectations.length === 0) return undefined;
  const first = Math.min(...expectations.map(({ askedAt }) => askedAt));
  const last = Math.max(
    ...expectations.flatMap(({ askedAt, after }) => Object.values(after).map((ms) => askedAt + ms)),
  );
  return (last - first) / 1000;
}
