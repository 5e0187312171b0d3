// What a phase brought, and what it took.
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from '../../functions/cluster/transport.ts';
import { quantile } from './rows.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { PHASES, TRAILING_MS, type PhaseName } from './phases.ts';
import type { Course, Stage } from './load.ts';
import { histogramsIn, since, type Histograms } from './histograms.ts';
import { between, requestsTo, writesIn, type Requests } from './requests.ts';
import { stagesOf, type Stages } from './stages.ts';
import type { Inside } from './subjects.ts';
import type { Expectation, Watched } from './tracker.ts';
import { cpuMs, machineTicks, rssMiB } from './usage.ts';

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
  /** How much of the machine had nothing to do, in percent. */
  readonly idlePercent?: number;
  /** Where the time went, as the subject tells it. */
  readonly stages?: Stages;
  /** What the subject and the API server counted meanwhile. */
  readonly histograms?: Histograms;
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
  const { inside } = stage.running;
  const histograms = phase === 'churn' ? await histogramsAt(transport, inside) : {};
  const startedOn = Date.now();
  const ticks = machineTicks();
  const before = each(cpuMs);
  const start = performance.now();
  const course = await PHASES[phase](stage);
  const ticksAfter = machineTicks();
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
    idlePercent: (100 * (ticksAfter.idle - ticks.idle)) / (ticksAfter.all - ticks.all),
    ...(course.changes === undefined || inside === undefined
      ? {}
      : { stages: stagesOf(course.changes, inside.logs, startedOn) }),
    ...(phase === 'churn' ? { histograms: since(histograms, await histogramsAt(transport, inside)) } : {}),
  };
}

/** Of the subject, if it says something of itself, and of the API server. */
async function histogramsAt(transport: Transport, inside: Inside | undefined): Promise<Histograms> {
  const metrics = await text(await transport.stream({ method: 'GET', path: '/metrics', what: 'read metrics' }));
  return {
    ...(await inside?.histograms()),
    ...histogramsIn(metrics, SERVER, ['verb', 'resource', 'subresource', 'operation', 'priority_level']),
  };
}

const SERVER =
  /^(apiserver_request_duration|etcd_request_duration|apiserver_flowcontrol_request_wait_duration)_seconds$/;

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
