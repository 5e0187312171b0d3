// Tables of the stages of a change, and of what the programs have counted.
import { countOf, quantileOf } from './histograms.ts';
import type { PhaseResult } from './result.ts';
import { titledTable } from './table.ts';

/** What was counted less often says nothing of a tail. */
const FEWEST = 10;

/** Of the last round. */
export function stagesTables(results: readonly PhaseResult[]): string[] {
  const last = Math.max(...results.map(({ round = 0 }) => round));
  return results
    .filter(({ round = 0 }) => round === last)
    .flatMap(({ subject, phase, stages, histograms = {} }) => {
      const about = `${subject}, ${phase}, round ${last}`;
      const { times = [], unmatched, retried, otherRuns } = stages ?? {};
      return [
        titledTable(
          `Stages of a change, ms: ${about}`,
          ['stage', 'p50', 'p99', 'mean', 'mean of the slowest hundredth'],
          times.map(({ stage, ...each }) => [
            stage,
            ...[each.p50, each.p99, each.mean, each.slowest].map((ms) => ms.toFixed(1)),
          ]),
        ),
        titledTable(
          `Events: ${about}`,
          ['merged into a later one', 'sent more than once', 'runs without a change, by reason'],
          stages === undefined ? [] : [[String(unmatched), String(retried), JSON.stringify(otherRuns)]],
        ),
        titledTable(
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
