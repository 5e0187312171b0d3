// npm run bench: the same work for everybody, in turns, each time on a control plane of its own.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { createNamespace } from '../real-cluster.ts';
import { measureCeilings } from './ceiling.ts';
import { choices, count } from './flags.ts';
import { progress } from './measure.ts';
import { withControlPlane, type BenchCluster } from './bench-cluster.ts';
import { PHASES, warmUp, type PhaseName } from './phases.ts';
import { SITES, type Load, type SiteName, type Stage } from './load.ts';
import { record } from './records.ts';
import { report, type Report } from './report.ts';
import { resultOf, type PhaseResult } from './result.ts';
import { buildRivals, RIVALS } from './rivals.ts';
import { ours } from './ours.ts';
import { rival, type Running, type Subject } from './subjects.ts';
import { withTracker } from './watches.ts';

/** Processes of the functions, and forwarders. */
const OURS = {
  ours: { processes: 1, shards: 1 },
  'ours-2': { processes: 2, shards: 1 },
  'ours-4': { processes: 4, shards: 1 },
  'ours-2-shards': { processes: 1, shards: 2 },
} as const;
const CEILING = 'ceiling';
const NAMESPACES = 10;
/** How often the functions send their metrics: rare enough to disturb nobody, and often enough for a phase of a minute. */
const EXPORT_MS = 10_000;

const FULL = {
  runs: '3',
  websites: '1000',
  subjects: ['ours', ...RIVALS, CEILING].join(),
  phases: 'create,single,update,drift,rollout,resync,idle,delete',
};
const QUICK = {
  runs: '1',
  websites: '300',
  subjects: `ours,controller-runtime-32,${CEILING}`,
  phases: 'create,single,update,drift,resync',
};

/** Measures the subjects, prints tables, and writes the figures and a chart to files. */
export async function benchCompare(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      websites: { type: 'string' },
      site: { type: 'string', default: 'plain' },
      'warm-up': { type: 'string', default: '64' },
      subjects: { type: 'string' },
      phases: { type: 'string' },
      rate: { type: 'string', default: '155' },
      'churn-seconds': { type: 'string', default: '60' },
      'idle-seconds': { type: 'string', default: '60' },
      beside: { type: 'string', default: '0' },
      json: { type: 'string', default: 'test/bench/results/latest.json' },
      chart: { type: 'string', default: 'test/bench/results/latest.svg' },
      record: { type: 'string' },
    },
  });
  const given = { ...(flags.quick ? QUICK : FULL), ...flags };
  const websites = count('--websites', given.websites);
  const [site = 'plain'] = choices('--site', flags.site, Object.keys(SITES) as SiteName[]);
  const load: Load = {
    websites,
    site,
    singles: Math.min(flags.quick ? 30 : 100, websites),
    drifts: Math.min(50, Math.floor(websites / 2)),
    idleSeconds: count('--idle-seconds', flags['idle-seconds']),
    churn: { perSecond: count('--rate', flags.rate), seconds: count('--churn-seconds', flags['churn-seconds']) },
  };
  const phases = choices('--phases', given.phases, Object.keys(PHASES) as PhaseName[]);
  const names = choices('--subjects', given.subjects, [...Object.keys(OURS), ...RIVALS, CEILING]);
  const subjects = await subjectsOf(names, phases.includes('churn') ? EXPORT_MS : undefined);
  const results: PhaseResult[] = [];
  const runs = count('--runs', given.runs);
  for (let round = 1; round <= runs; round++) {
    for (const subject of subjects) {
      progress(`Round ${round} of ${runs}: ${subject.name}`);
      const beside = flags.beside === '0' ? 0 : count('--beside', flags.beside);
      const work = { load, phases, warmUp: count('--warm-up', flags['warm-up']), beside };
      results.push(...(await measureSubject(subject, work)).map((result) => ({ ...result, round })));
    }
    if (names.includes(CEILING)) {
      progress(`Round ${round} of ${runs}: ${CEILING}`);
      results.push(...(await measureCeilings(websites)).map((result) => ({ ...result, round })));
    }
  }
  const done: Report = { load, results };
  await report(done, { json: flags.json, chart: flags.chart });
  // Stages are for the terminal: they would be most of the file.
  const kept = results.map(({ histograms: _histograms, stages: _stages, ...result }) => result);
  if (flags.record !== undefined) record(flags.record, { load, results: kept });
}

async function subjectsOf(names: readonly string[], exportMs: number | undefined): Promise<Subject[]> {
  const rivals = new Map((await buildRivals(names)).map((each) => [each.name as string, each]));
  return names.flatMap((name) => {
    if (isOurs(name)) return [ours(name, { ...OURS[name], exportMs })];
    const built = rivals.get(name);
    return built === undefined ? [] : [rival(built)];
  });
}

const isOurs = (name: string): name is keyof typeof OURS => Object.hasOwn(OURS, name);

interface Work {
  readonly load: Load;
  readonly phases: readonly PhaseName[];
  readonly warmUp: number;
  /** Processes that take a core each during a churn. */
  readonly beside: number;
}

const measureSubject = (subject: Subject, work: Work): Promise<PhaseResult[]> =>
  withControlPlane(async (cluster) => {
    const running = await subject.start(cluster);
    try {
      return await Promise.race([goThrough(subject, running, cluster, work), running.failure]);
    } finally {
      await running.stop();
    }
  }, 'off');

const goThrough = (subject: Subject, running: Running, cluster: BenchCluster, work: Work) =>
  withTracker(cluster, async (tracker) => {
    const stage = { ...(await stageOf(cluster, work.load)), tracker, running };
    await warmUp(stage, work.warmUp);
    const results: PhaseResult[] = [];
    for (const phase of work.phases) {
      const measure = () => resultOf(phase, stage, cluster);
      const result = await (phase === 'churn' ? besides(work.beside, measure) : measure());
      results.push({ subject: subject.name, ...result });
      progress(`  ${phase}${result.perSecond === undefined ? '' : `: ${result.perSecond.toFixed(0)}/s`}`);
    }
    return results;
  });

/** Works beside so many processes that do nothing but take a core each. */
async function besides<T>(others: number, work: () => Promise<T>): Promise<T> {
  const spinning = Array.from({ length: others }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  const end = () => spinning.forEach((each) => each.kill('SIGKILL'));
  process.once('exit', end);
  try {
    return await work();
  } finally {
    end();
    process.off('exit', end);
  }
}

const stageOf = async ({ transport }: BenchCluster, load: Load): Promise<Omit<Stage, 'tracker' | 'running'>> => {
  const namespaces = await Promise.all(Array.from({ length: NAMESPACES }, () => createNamespace(transport, 'bench')));
  return { transport, namespaces, load };
};
