// Tables for people, JSON for programs, and a chart.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chartOf } from './chart.ts';
import { cpuPerWebsite, perWebsite, totalOf, type Figure } from './figures.ts';
import { GOAL_HEAD, goalRows } from './goals.ts';
import { countOf, quantileOf } from './histograms.ts';
import { thisMachine } from './machine.ts';
import { progress, quantile } from './measure.ts';
import type { Load } from './phases.ts';
import type { PhaseResult } from './result.ts';
import { spread } from './spread.ts';
import { markdownTable } from './table.ts';

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
    table('Ratios, of each round', GOAL_HEAD, goalRows(results)),
    table(
      'Processes, medians: CPU per Website (of a core, where there is none), and RSS',
      ['phase', 'subject', 'processes'],
      processRows(results),
    ),
    table('Requests of the last round', ['phase', 'subject', 'requests'], requestRows(results)),
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
  return table(title, ['subject', ...columns.map(({ name }) => name)], rows);
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
  return [table('Resync of what is as declared', ['figure', 'least / **median** / most'], rows)];
}

/** What was counted less often says nothing of a tail. */
const FEWEST = 10;

/** Of the last round. */
function stagesTables(results: readonly PhaseResult[]): string[] {
  const last = Math.max(...results.map(({ round = 0 }) => round));
  return results
    .filter(({ round = 0 }) => round === last)
    .flatMap(({ subject, phase, stages, histograms = {} }) => {
      const about = `${subject}, ${phase}, round ${last}`;
      const { times = [], unmatched, retried, otherRuns } = stages ?? {};
      return [
        table(
          `Stages of a change, ms: ${about}`,
          ['stage', 'p50', 'p99', 'mean', 'mean of the slowest hundredth'],
          times.map(({ stage, ...each }) => [
            stage,
            ...[each.p50, each.p99, each.mean, each.slowest].map((ms) => ms.toFixed(1)),
          ]),
        ),
        table(
          `Events: ${about}`,
          ['merged into a later one', 'sent more than once', 'runs without a change, by reason'],
          stages === undefined ? [] : [[String(unmatched), String(retried), JSON.stringify(otherRuns)]],
        ),
        table(
          `Histograms, ms: ${about}`,
          ['series', 'count', 'mean', 'p50', 'p99', 'p99.9'],
          Object.entries(histograms)
            .filter(([, histogram]) => countOf(histogram) >= FEWEST)
            .map(([name, histogram]) => [
              name,
              String(countOf(histogram)),
              ((histogram.sum / countOf(histogram)) * 1000).toFixed(2),
              ...[0.5, 0.99, 0.999].map((share) => (quantileOf(histogram, share) * 1000).toFixed(1)),
            ]),
        ),
      ];
    });
}

function processRows(results: readonly PhaseResult[]): string[][] {
  const measured = results.filter(({ cpuMs }) => Object.keys(cpuMs).length > 0);
  return [...Map.groupBy(measured, ({ phase, subject }) => `${phase} ${subject}`).values()].flatMap((rounds) => {
    const [first] = rounds;
    if (first === undefined) return [];
    const median = (of: Figure) =>
      quantile(
        rounds.flatMap((round) => of(round) ?? []),
        0.5,
      );
    const texts = Object.keys(first.cpuMs).map((process) => {
      const cpu =
        first.count === 0
          ? `${median(({ cpuMs, elapsedMs }) => (100 * (cpuMs[process] ?? NaN)) / elapsedMs).toFixed(2)} %`
          : `${median(({ cpuMs, count }) => (cpuMs[process] ?? NaN) / count).toFixed(2)} ms`;
      return `${process} ${cpu}, ${median(({ rssMiB }) => rssMiB[process]).toFixed(0)} MiB`;
    });
    return [[first.phase, first.subject, texts.join('; ')]];
  });
}

function requestRows(results: readonly PhaseResult[]): string[][] {
  const last = Math.max(...results.map(({ round = 0 }) => round));
  return results
    .filter(({ round, requests }) => round === last && Object.keys(requests).length > 0)
    .map(({ phase, subject, requests }) => [
      phase,
      subject,
      Object.entries(requests)
        .toSorted(([, left], [, right]) => right - left)
        .map(([name, number]) => `${number} ${name}`)
        .join(', '),
    ]);
}

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `### ${title}\n\n${markdownTable(head, rows)}`;
}
