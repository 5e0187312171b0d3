// Tables for people, JSON for programs, and a chart.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chartOf } from './chart.ts';
import { cpuPerWebsite, perWebsite, totalOf, type Figure } from './figures.ts';
import { GOAL_HEAD, goalRows } from './goals.ts';
import { thisMachine } from './machine.ts';
import { progress } from './measure.ts';
import type { Load } from './load.ts';
import type { PhaseResult } from './result.ts';
import { spread } from './spread.ts';
import { processRows, requestRows } from './process-rows.ts';
import { stagesTables } from './stage-tables.ts';
import { titledTable } from './table.ts';

/** Everything that was measured. */
export interface Report {
  readonly load: Load;
  readonly results: readonly PhaseResult[];
}

/** Prints the tables, and writes the figures and the chart. */
export async function report(
  done: Report,
  { json, chart }: { readonly json: string; readonly chart: string },
): Promise<void> {
  process.stdout.write(`${machineText()}\n\n${tablesOf(done).join('\n\n')}\n`);
  write(json, JSON.stringify({ machine: thisMachine(), ...done }, undefined, 1));
  write(chart, chartOf(done.results));
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text.trimEnd()}\n`);
  progress(`Wrote ${file}`);
}

function machineText(): string {
  const { cores, cpu, memoryGiB, kernel, node, kubernetes } = thisMachine();
  return `${cores} cores (${cpu}), ${memoryGiB} GiB, Linux ${kernel}; Node ${node}, Kubernetes ${kubernetes}; least / **median** / most.`;
}

interface Column {
  readonly name: string;
  readonly of: Figure;
  readonly digits?: number;
}

const COLUMNS: readonly Column[] = [
  { name: 'Websites/s', of: ({ phase, perSecond }) => (phase === 'single' ? undefined : perSecond) },
  ...(['deployment', 'service', 'website'] as const).flatMap((watched): Column[] => {
    const name = watched === 'website' ? 'status' : watched;
    return [
      { name: `${name} p50, ms`, of: ({ latencyMs }) => latencyMs[watched]?.p50, digits: 1 },
      { name: `${name} p99, ms`, of: ({ latencyMs }) => latencyMs[watched]?.p99 },
    ];
  }),
  { name: 'CPU per Website, ms', of: cpuPerWebsite, digits: 2 },
  { name: 'its API server’s, ms', of: perWebsite(({ cpuMs }) => cpuMs['kube-apiserver']), digits: 1 },
  {
    name: 'writes per Website',
    of: perWebsite(({ requests, writes }) => (Object.keys(requests).length === 0 ? undefined : writes)),
    digits: 2,
  },
  {
    name: 'CPU, % of a core',
    of: ({ phase, cpuMs, elapsedMs }) => (phase === 'idle' ? (100 * (totalOf(cpuMs) ?? NaN)) / elapsedMs : undefined),
    digits: 2,
  },
  { name: 'RSS, MiB', of: ({ rssMiB }) => totalOf(rssMiB) },
  { name: 'machine idle, %', of: ({ phase, idlePercent }) => (phase === 'churn' ? idlePercent : undefined) },
  { name: 'peak, MiB', of: ({ peakRssMiB }) => totalOf(peakRssMiB) },
  { name: 'never', of: ({ count, unmet }) => (count === 0 ? undefined : unmet) },
];

/** A table for each phase, one of ratios, and one of requests; in Markdown. */
export function tablesOf({ load, results }: Report): string[] {
  const phases = [...new Set(results.map(({ phase }) => phase))];
  return [
    ...phases.map((phase) =>
      phaseTable(
        `${phase} (${load.websites} Websites)`,
        results.filter((each) => each.phase === phase),
      ),
    ),
    ...figuresTables(results),
    ...stagesTables(results),
    titledTable('Ratios, of each round', GOAL_HEAD, goalRows(results)),
    titledTable(
      'Processes, medians: CPU per Website (of a core, where there is none), and RSS',
      ['phase', 'subject', 'processes'],
      processRows(results),
    ),
    titledTable('Requests of the last round', ['phase', 'subject', 'requests'], requestRows(results)),
  ].filter((text) => text !== '');
}

function phaseTable(title: string, results: readonly PhaseResult[]): string {
  const columns = COLUMNS.filter(({ of }) => results.some((result) => of(result) !== undefined));
  const rows = [...Map.groupBy(results, ({ subject }) => subject)].map(([subject, rounds]) => [
    subject,
    ...columns.map(({ of, digits = 0 }) =>
      spread(
        rounds.flatMap((result) => of(result) ?? []),
        digits,
      ),
    ),
  ]);
  return titledTable(title, ['subject', ...columns.map(({ name }) => name)], rows);
}

function figuresTables(results: readonly PhaseResult[]): string[] {
  const names = [...new Set(results.flatMap(({ figures }) => Object.keys(figures)))];
  const rows = names.map((name) => [
    name,
    spread(
      results.flatMap(({ figures }) => figures[name] ?? []),
      2,
    ),
  ]);
  return [titledTable('Resync of what is as declared', ['figure', 'least / **median** / most'], rows)];
}
