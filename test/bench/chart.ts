// The figures that people ask for first, as an SVG: medians as bars, least to most as whiskers.
import type * as echarts from 'echarts';
import { svgOf } from '../svg.ts';
import { cpuPerWebsite, type Figure } from './figures.ts';
import { quantile } from './rows.ts';
import type { PhaseResult } from './result.ts';

interface Panel {
  readonly title: string;
  readonly phase: PhaseResult['phase'];
  readonly of: Figure;
  readonly digits: number;
}

const PANELS: readonly Panel[] = [
  { title: 'Burst, Websites/s', phase: 'create', of: ({ perSecond }) => perSecond, digits: 0 },
  {
    title: 'To Deployment, p50 ms',
    phase: 'single',
    of: ({ latencyMs }) => latencyMs.deployment?.p50,
    digits: 1,
  },
  { title: 'To status, p50 ms', phase: 'single', of: ({ latencyMs }) => latencyMs.website?.p50, digits: 1 },
  { title: 'CPU per Website, ms', phase: 'create', of: cpuPerWebsite, digits: 1 },
];

const WIDTH = 960;
const MARGIN = 20;
const TOP = 44;
const BAR = 26;
const LABELS = 150;
/** Readable on white as on black. */
const INK = '#808080';
const OURS = '#2f81f7';
const OTHERS = '#9a9fa6';

/** @returns an SVG, as wide as a README. */
export function chartOf(results: readonly PhaseResult[]): string {
  const subjects = [...new Set(results.map(({ subject }) => subject))].toReversed();
  const height = TOP + subjects.length * BAR + MARGIN;
  const width = (WIDTH - LABELS - MARGIN) / PANELS.length;
  const options = {
    animation: false,
    textStyle: { color: INK, fontFamily: 'sans-serif' },
    title: PANELS.map(({ title }, index) => ({
      text: title,
      left: LABELS + index * width,
      top: 8,
      textStyle: { color: INK, fontSize: 13 },
    })),
    grid: PANELS.map((_, index) => ({ left: LABELS + index * width, width: width - 60, top: TOP, bottom: MARGIN })),
    xAxis: PANELS.map((_, gridIndex) => ({ gridIndex, show: false, min: 0 })),
    yAxis: PANELS.map((_, gridIndex) => ({
      gridIndex,
      type: 'category',
      data: subjects,
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { show: gridIndex === 0, color: INK },
    })),
    series: PANELS.flatMap((panel, index) => seriesOf(panel, index, subjects, results)),
  } satisfies echarts.EChartsOption;
  return svgOf(options, { width: WIDTH, height });
}

function seriesOf(
  { phase, of, digits }: Panel,
  index: number,
  subjects: readonly string[],
  results: readonly PhaseResult[],
): echarts.SeriesOption[] {
  const spreads = subjects.map((subject) => {
    const values = results
      .filter((each) => each.phase === phase && each.subject === subject)
      .flatMap((each) => of(each) ?? []);
    return [0, 0.5, 1].map((share) => (values.length === 0 ? NaN : quantile(values, share)));
  });
  const axes = { xAxisIndex: index, yAxisIndex: index };
  const bars = spreads.map(([, median = NaN], row) => ({
    value: Number.isNaN(median) ? '-' : median,
    itemStyle: { color: subjects[row]?.startsWith('ours') === true ? OURS : OTHERS },
  }));
  const labels = spreads.flatMap(([, median = NaN, most = NaN], row) =>
    Number.isNaN(median) ? [] : [{ value: [most, row], label: { formatter: median.toFixed(digits) } }],
  );
  const label = { show: true, position: 'right', distance: 6, color: INK } as const;
  return [
    { type: 'bar', ...axes, barWidth: '60%', data: bars },
    { type: 'scatter', ...axes, symbolSize: 0, label, data: labels },
    ...spreads.flatMap(([least = NaN, , most = NaN], row): echarts.SeriesOption[] => {
      if (Number.isNaN(least) || least === most) return [];
      const ends = [least, most].map((value) => [value, row]);
      return [{ type: 'line', ...axes, symbol: 'none', lineStyle: { color: INK, width: 1 }, data: ends }];
    }),
  ];
}
