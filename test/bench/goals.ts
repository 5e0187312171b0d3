// What we want to reach, as ratios: ours divided by theirs.
import { cpuPerWebsite, perWebsite, type Figure } from './figures.ts';
import { quantile } from './rows.ts';
import type { PhaseName } from './phases.ts';
import type { PhaseResult } from './result.ts';
import { spread } from './spread.ts';

interface Goal {
  readonly name: string;
  readonly phase: PhaseName;
  readonly of: Figure;
  readonly other: string;
  readonly aim?: { readonly atLeast: number } | { readonly atMost: number };
}

const perSecond: Figure = (result) => result.perSecond;
const apiServerCpu: Figure = perWebsite(({ cpuMs }) => cpuMs['kube-apiserver']);
const latency =
  (watched: 'deployment' | 'website', share: 'p50' | 'p99'): Figure =>
  ({ latencyMs }) =>
    latencyMs[watched]?.[share];
const RUNTIME = 'controller-runtime-32';

const GOALS: readonly Goal[] = [
  { name: 'burst, Websites/s', phase: 'create', of: perSecond, other: RUNTIME, aim: { atLeast: 1 } },
  { name: 'burst, Websites/s', phase: 'create', of: perSecond, other: 'ceiling, watched', aim: { atLeast: 0.9 } },
  { name: 'burst, CPU', phase: 'create', of: cpuPerWebsite, other: RUNTIME, aim: { atMost: 1.1 } },
  { name: 'one at a time, to the Deployment, p50', phase: 'single', of: latency('deployment', 'p50'), other: RUNTIME },
  { name: 'one at a time, to the status, p50', phase: 'single', of: latency('website', 'p50'), other: RUNTIME },
  { name: 'update, Websites/s', phase: 'update', of: perSecond, other: RUNTIME, aim: { atLeast: 1 } },
  { name: 'update, CPU', phase: 'update', of: cpuPerWebsite, other: RUNTIME, aim: { atMost: 1.3 } },
  { name: 'update, CPU of the API server', phase: 'update', of: apiServerCpu, other: RUNTIME, aim: { atMost: 1 } },
  { name: 'repair, p50', phase: 'drift', of: latency('deployment', 'p50'), other: RUNTIME },
  { name: 'repair, p99', phase: 'drift', of: latency('deployment', 'p99'), other: RUNTIME, aim: { atMost: 1 } },
  { name: 'repair, CPU of the API server', phase: 'drift', of: apiServerCpu, other: RUNTIME, aim: { atMost: 1 } },
  {
    name: 'churn, change to status, p50',
    phase: 'churn',
    of: latency('website', 'p50'),
    other: RUNTIME,
    aim: { atMost: 1.1 },
  },
  {
    name: 'churn, change to status, p99',
    phase: 'churn',
    of: latency('website', 'p99'),
    other: RUNTIME,
    aim: { atMost: 1 },
  },
  { name: 'delete, Websites/s', phase: 'delete', of: perSecond, other: RUNTIME, aim: { atLeast: 1 } },
];

export const GOAL_HEAD = ['ours / theirs', 'beside', 'aim', 'least / **median** / most', 'rounds', 'reached'] as const;

/** One row for each goal that was measured. Ratios are taken within a round, because the machine treats both alike then. */
export function goalRows(results: readonly PhaseResult[]): string[][] {
  return GOALS.flatMap((goal) => {
    const ratios = ratiosOf(goal, results);
    if (ratios.length === 0) return [];
    const { aim } = goal;
    const reached = aim === undefined ? '' : reaches(quantile(ratios, 0.5), aim) ? 'yes' : 'no';
    return [[goal.name, goal.other, aimText(aim), spread(ratios, 2), String(ratios.length), reached]];
  });
}

function ratiosOf({ phase, of, other }: Goal, results: readonly PhaseResult[]): number[] {
  return [...Map.groupBy(results, ({ round }) => round).values()].flatMap((round) => {
    const figureOf = (subject: string) => {
      const result = round.find((each) => each.phase === phase && each.subject === subject);
      return result === undefined ? undefined : of(result);
    };
    const [left, right] = [figureOf('ours'), figureOf(other)];
    return left === undefined || right === undefined ? [] : [left / right];
  });
}

const reaches = (median: number, aim: NonNullable<Goal['aim']>): boolean =>
  'atLeast' in aim ? median >= aim.atLeast : median <= aim.atMost;

function aimText(aim: Goal['aim']): string {
  if (aim === undefined) return '';
  return 'atLeast' in aim ? `at least ${aim.atLeast}` : `at most ${aim.atMost}`;
}
