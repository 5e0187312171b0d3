// Histograms of programs, in Prometheus' text format or as OpenTelemetry sends them.

/** The number of values up to each bound, the last of which is infinite. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** By name and labels: `website_forwarder_queue_duration_seconds type=changed`. */
export type Histograms = Readonly<Record<string, Histogram>>;

const BUCKET = /^(\w+)_bucket\{(.*)\} (\S+)$/gm;
const SUM = /^(\w+)_sum(?:\{(.*)\})? (\S+)$/gm;

/**
 * Reads those of a program that Prometheus scrapes.
 * @param labels to tell apart by. Series that differ in others are added up.
 */
export function histogramsIn(metrics: string, name: RegExp, labels: readonly string[]): Histograms {
  const found = new Map<string, { bounds: Map<number, number>; sum: number }>();
  const of = (metric: string, text = '') => {
    const given = Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value]) => [key, value]));
    const shown = labels.flatMap((label) => ((given[label] ?? '') === '' ? [] : [`${label}=${given[label]}`]));
    const key = [metric, ...shown].join(' ');
    const histogram = found.get(key) ?? { bounds: new Map<number, number>(), sum: 0 };
    found.set(key, histogram);
    return { histogram, le: given['le'] };
  };
  for (const [, metric = '', text, count] of metrics.matchAll(BUCKET)) {
    if (!name.test(metric)) continue;
    const { histogram, le } = of(metric, text);
    const bound = le === '+Inf' ? Infinity : Number(le);
    histogram.bounds.set(bound, (histogram.bounds.get(bound) ?? 0) + Number(count));
  }
  for (const [, metric = '', text, sum] of metrics.matchAll(SUM)) {
    if (name.test(metric)) of(metric, text).histogram.sum += Number(sum);
  }
  return Object.fromEntries(
    [...found].map(([key, { bounds, sum }]) => {
      const sorted = [...bounds].toSorted(([one], [other]) => one - other);
      return [key, { bounds: sorted.map(([bound]) => bound), counts: sorted.map(([, count]) => count), sum }];
    }),
  );
}

interface OtlpPoint {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
  readonly explicitBounds: readonly number[];
  readonly bucketCounts: readonly number[];
  readonly sum: number;
}
interface OtlpMessage {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly { readonly name: string; readonly histogram?: { readonly dataPoints: OtlpPoint[] } }[];
    }[];
  }[];
}

/** Reads those of one message of OpenTelemetry, or of none. */
export function histogramsOf(message: unknown): Histograms {
  const metrics = ((message ?? { resourceMetrics: [] }) as OtlpMessage).resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap((scope) => scope.metrics),
  );
  return Object.fromEntries(
    metrics.flatMap(({ name, histogram }) =>
      (histogram?.dataPoints ?? []).map(({ attributes, explicitBounds, bucketCounts, sum }) => {
        let total = 0;
        const counts = bucketCounts.map((count) => (total += count));
        const key = [name, ...attributes.map((each) => `${each.key}=${each.value.stringValue}`)].join(' ');
        return [key, { bounds: [...explicitBounds, Infinity], counts, sum }] as const;
      }),
    ),
  );
}

/** What came between. */
export function since(before: Histograms, after: Histograms): Histograms {
  const grown = Object.entries(after).map(([key, { bounds, counts, sum }]) => {
    const earlier = before[key];
    const more = counts.map((count, index) => count - (earlier?.counts[index] ?? 0));
    return [key, { bounds, counts: more, sum: sum - (earlier?.sum ?? 0) }] as const;
  });
  return Object.fromEntries(grown.filter(([, histogram]) => countOf(histogram) > 0));
}

export const countOf = ({ counts }: Histogram): number => counts.at(-1) ?? 0;

/** As Prometheus' `histogram_quantile`: within a bucket, values are taken to be spread evenly. */
export function quantileOf({ bounds, counts }: Histogram, share: number): number {
  const rank = share * (counts.at(-1) ?? 0);
  const index = counts.findIndex((count) => count >= rank);
  const [low = 0, high = Infinity] = [bounds[index - 1], bounds[index]];
  const [below = 0, upTo = 0] = [counts[index - 1], counts[index]];
  if (high === Infinity || upTo === below) return low;
  return low + (high - low) * ((rank - below) / (upTo - below));
}
