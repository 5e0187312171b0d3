// The tables of docs/performance.md. Each stands between two comments, which name the kind of table and the measurements:
//
//     <!-- figures: operators burst -->
//     ...
//     <!-- end of figures -->
//
// `node test/bench/page.ts` writes them again from docs/performance.json, and draws the charts.
import { readFileSync, writeFileSync } from 'node:fs';
import { chartOf } from './chart.ts';
import { GOAL_HEAD, goalRows } from './goals.ts';
import type { Row } from './rows.ts';
import { operatorsTable, steadyTable, summaryTable } from './operators.ts';
import { RECORDS, readRecords, type Measurement, type Records } from './records.ts';
import { restTable } from './rest.ts';
import { spread } from './spread.ts';
import { markdownTable } from './table.ts';
import { memoryChart } from '../faults/memory-chart.ts';
import { memoryRows } from '../faults/memory-samples.ts';

const PAGE = new URL('../../docs/performance.md', import.meta.url);

const TABLES: Readonly<Record<string, (...measurements: readonly Measurement[]) => string>> = {
  summary: ({ results = [] }: Measurement) => summaryTable(results),
  steady: steadyTable,
  operators: ({ results = [] }: Measurement) => operatorsTable(results),
  ratios: ({ results = [] }: Measurement) => markdownTable(GOAL_HEAD, goalRows(results)),
  rows: ({ rows = [] }: Measurement) =>
    markdownTable(
      ['', 'least / **median** / most', 'runs'],
      rows.map(({ name, values, digits = 1 }) => [name, spread(values, digits), String(values.length)]),
    ),
  columns: ({ rows = [] }: Measurement) => columnsTable(rows),
  memory: ({ samples = [] }: Measurement) => columnsTable(memoryRows(samples)),
  rest: restTable,
  conditions: conditionsText,
};

/** A column for each of the conditions, and all that was measured under one of them in its cell. */
function columnsTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.map(({ column = '' }) => column))];
  const lines = [...Map.groupBy(rows, ({ name }) => name)].map(([name, same]) => [
    name,
    ...columns.map((column) => {
      const own = same.filter((row) => row.column === column);
      return spread(
        own.flatMap(({ values }) => values),
        own[0]?.digits ?? 1,
      );
    }),
  ]);
  return markdownTable(['', ...columns], lines);
}

function conditionsText({ machine, command }: Measurement): string {
  const { at, commit, cores: count, cpu, node, kubernetes } = machine;
  return `\`${command}\` on ${at.slice(0, 10)}, at ${commit}: ${count} cores (${cpu}), Node ${node}, Kubernetes ${kubernetes}.`;
}

/** The page with every table written from these records. @throws Error naming a table or a measurement that does not exist. */
export function withFigures(page: string, records: Records): string {
  return page.replaceAll(
    /(<!-- figures: (\S+) (\S+) -->\n)[\s\S]*?(<!-- end of figures -->)/g,
    (_, start: string, kind: string, names: string, end: string) => {
      const table = TABLES[kind];
      if (table === undefined)
        throw new Error(`There is no table ${kind}: choose from ${Object.keys(TABLES).join(', ')}`);
      const measurements = names.split(',').map((name) => {
        const measurement = records[name];
        if (measurement === undefined) throw new Error(`${RECORDS} has no measurement ${name}`);
        return measurement;
      });
      return `${start}\n${table(...measurements)}\n\n${end}`;
    },
  );
}

/** Each chart, by its file beside the page. Undefined until its measurement is there. */
export const chartsFrom = ({ operators, memory }: Records): Readonly<Record<string, string | undefined>> => ({
  'performance.svg': operators?.results === undefined ? undefined : textOf(chartOf(operators.results)),
  'memory.svg': memory?.samples === undefined ? undefined : textOf(memoryChart(memory.samples)),
});

const textOf = (svg: string): string => `${svg.trimEnd()}\n`;

if (import.meta.main) {
  const records = readRecords();
  writeFileSync(PAGE, withFigures(readFileSync(PAGE, 'utf8'), records));
  for (const [file, chart] of Object.entries(chartsFrom(records)))
    if (chart !== undefined) writeFileSync(new URL(file, PAGE), chart);
}
