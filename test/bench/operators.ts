// Tables with a column for each operator, from the results of `npm run bench -- compare`.
import type { Load } from './load.ts';
import { cores, latency, LINES, type Measured } from './operator-lines.ts';
import type { Measurement } from './records.ts';
import type { PhaseResult } from './result.ts';
import { quantile } from './rows.ts';
import { spread } from './spread.ts';
import { markdownTable } from './table.ts';

const COMPARED = ['ours', 'controller-runtime-32'] as const;

export function summaryTable(results: readonly PhaseResult[]): string {
  const lines = LINES.flatMap((line) => {
    if (line.inSummary === undefined) return [];
    return [[line.inSummary, ...COMPARED.map((subject) => medianOf(results, subject, line))]];
  });
  return markdownTable(['', ...COMPARED], lines);
}

/** One row for each load. */
export function steadyTable(...measurements: readonly Measurement[]): string {
  const status = (share: 'p50' | 'p99', digits: number) => ({
    phase: 'churn' as const,
    of: latency('website', share),
    digits,
  });
  const columns = [status('p50', 1), status('p99', 0), { phase: 'churn' as const, of: cores, digits: 2 }];
  const rows = measurements.map((measurement) => [
    loadText(measurement),
    ...COMPARED.flatMap((subject) => columns.map((column) => medianOf(measurement.results ?? [], subject, column))),
  ]);
  return markdownTable(['', ...COMPARED.flatMap((subject) => [`${subject}: p50, ms`, 'p99, ms', 'CPU, cores'])], rows);
}

function loadText(measurement: Measurement): string {
  const load = loadOf(measurement);
  const beside = measurement.command.includes('--beside') ? ', beside a process that takes a core' : '';
  return `${load.websites.toLocaleString('en')} Websites, ${load.churn.perSecond} changes/s${beside}`;
}

export function operatorsTable(results: readonly PhaseResult[]): string {
  const subjects = [...new Set(results.map(({ subject }) => subject))];
  const lines = LINES.flatMap((line) => {
    const cells = subjects.map((subject) => spread(valuesOf(results, subject, line), line.digits));
    return cells.every((cell) => cell === '–') ? [] : [[line.name, ...cells]];
  });
  return markdownTable(['', ...subjects], lines);
}

const medianOf = (results: readonly PhaseResult[], subject: string, line: Measured): string =>
  quantile(valuesOf(results, subject, line), 0.5).toFixed(line.digits);

/** One value for each round. */
const valuesOf = (results: readonly PhaseResult[], subject: string, { phase, of }: Measured): number[] =>
  results.flatMap((each) => (each.subject === subject && each.phase === phase ? finite(of(each)) : []));

export function loadOf({ load, command }: Measurement): Load {
  if (load === undefined) throw new Error(`${command} has no load`);
  return load;
}

export const finite = (value: number | undefined): number[] =>
  value !== undefined && Number.isFinite(value) ? [value] : [];
