import { expect, it } from 'vitest';
import { growthOf, memoryChart, type Sample } from './memory-chart.ts';

/** An hour of samples. The functions grow by 6 MiB an hour after they have warmed up, and the forwarder does not grow. */
const SAMPLES: readonly Sample[] = Array.from({ length: 60 }, (_, minute) => ({
  minutes: minute,
  changes: minute * 10,
  isQuiet: minute >= 48,
  forwarder: { rss: minute < 5 ? 200 : 75, anonymous: 25 },
  functions: { rss: 80 + minute / 10, anonymous: 30 },
}));

it('The slope of a program leaves out the start', () => {
  expect(growthOf(SAMPLES, 'forwarder').perHour).toBeCloseTo(0);
  expect(growthOf(SAMPLES, 'forwarder').mean).toBe(75);
  expect(growthOf(SAMPLES, 'functions').perHour).toBeCloseTo(6);
});

it('The chart has a line for each program', () => {
  const svg = memoryChart(SAMPLES);
  expect(svg).toMatch(/^<svg[\s\S]*<\/svg>$/);
  for (const text of ['forwarder', 'functions', 'RSS, MiB']) expect(svg).toContain(text);
});
