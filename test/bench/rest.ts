// What the processes of each operator take while nothing happens.
import { ownOf } from './figures.ts';
import { quantile } from './rows.ts';
import { finite, loadOf } from './operators.ts';
import type { Measurement } from './records.ts';
import type { PhaseResult } from './result.ts';
import { markdownTable } from './table.ts';

const REST_COLUMNS = ['at rest, MiB', 'the most before, MiB', 'CPU at rest, % of a core'] as const;

/** What each process takes once nothing happens any more, and the most that it took until then. */
export function restTable(...measurements: readonly Measurement[]): string {
  const results = measurements.flatMap(({ results: all = [] }) => all).filter(({ phase }) => phase === 'idle');
  const processes = new Map(results.flatMap(processesOf).map((each) => [each.name, each]));
  const heads = measurements.flatMap((measurement) => {
    const websites = `${loadOf(measurement).websites.toLocaleString('en')} Websites`;
    return REST_COLUMNS.map((column, index) => (index === 0 ? `${websites}: ${column}` : column));
  });
  const rows = [...processes.values()].map(({ name, subject, process }) => [
    name,
    ...measurements.flatMap(({ results: all = [] }) => {
      const own = all.filter((each) => each.subject === subject);
      const idle = own.filter(({ phase }) => phase === 'idle');
      const peaks = own.map(({ round, peakRssMiB }) => ({ round, peak: peakRssMiB[process] ?? NaN }));
      const most = [...Map.groupBy(peaks, ({ round }) => round).values()].map((round) =>
        Math.max(...round.map(({ peak }) => peak)),
      );
      return [
        medianText(
          idle.flatMap(({ rssMiB }) => finite(rssMiB[process])),
          0,
        ),
        medianText(most, 0),
        medianText(
          idle.flatMap(({ cpuMs, elapsedMs }) => finite((100 * (cpuMs[process] ?? NaN)) / elapsedMs)),
          1,
        ),
      ];
    }),
  ]);
  return markdownTable(['', ...heads], rows);
}

function processesOf({ subject, rssMiB }: PhaseResult) {
  const own = ownOf(rssMiB);
  return own.map((process) => ({ subject, process, name: own.length === 1 ? subject : `${subject}: ${process}` }));
}

const medianText = (values: readonly number[], digits: number): string =>
  values.length === 0 ? '–' : quantile(values, 0.5).toFixed(digits);
