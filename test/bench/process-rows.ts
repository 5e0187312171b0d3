// What each process took, and what was asked of the API server.
import type { Figure } from './figures.ts';
import type { PhaseResult } from './result.ts';
import { quantile } from './rows.ts';

export function processRows(results: readonly PhaseResult[]): string[][] {
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

export function requestRows(results: readonly PhaseResult[]): string[][] {
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
