import type * as echarts from 'echarts';
import { svgOf } from '../svg.ts';
import { PROGRAMS, type Program, type Sample } from './memory-samples.ts';

/** Readable on white as on black. */
const INK = '#808080';
const COLOURS: Readonly<Record<Program, string>> = { forwarder: '#2f81f7', functions: '#db6d28' };

/** @returns an SVG with a line for each program, as wide as a README. The quiet times are shaded. */
export function memoryChart(samples: readonly Sample[]): string {
  const quiet = samples.flatMap((sample, index) => {
    const before = samples[index - 1];
    return sample.isQuiet && before !== undefined ? [[{ xAxis: before.minutes }, { xAxis: sample.minutes }]] : [];
  });
  const axis = { nameLocation: 'middle', nameTextStyle: { color: INK }, axisLabel: { color: INK } } as const;
  const options = {
    animation: false,
    textStyle: { color: INK, fontFamily: 'sans-serif' },
    legend: { top: 8, textStyle: { color: INK } },
    grid: { left: 56, right: 20, top: 40, bottom: 48 },
    xAxis: {
      ...axis,
      type: 'value',
      name: 'minutes',
      nameGap: 28,
      max: Math.ceil(samples.at(-1)?.minutes ?? 0),
      splitLine: { show: false },
    },
    yAxis: {
      ...axis,
      type: 'value',
      name: 'RSS, MiB',
      nameGap: 36,
      min: 0,
      splitLine: { lineStyle: { opacity: 0.3 } },
    },
    series: PROGRAMS.map((program, index) => ({
      name: program,
      type: 'line',
      showSymbol: false,
      data: samples.map((sample) => [sample.minutes, sample[program]]),
      lineStyle: { color: COLOURS[program], width: 1.5 },
      itemStyle: { color: COLOURS[program] },
      ...(index === 0 ? { markArea: { silent: true, itemStyle: { color: INK, opacity: 0.12 }, data: quiet } } : {}),
    })),
  } as echarts.EChartsOption;
  return svgOf(options, { width: 960, height: 320 });
}
