import { expect, it } from 'vitest';
import { memoryChart } from './memory-chart.ts';

it('The chart has a line for each program', () => {
  const samples = [0, 1, 2].map((minutes) => ({
    minutes,
    isQuiet: minutes > 1,
    forwarder: 75,
    functions: 80 + minutes,
  }));
  const svg = memoryChart(samples);
  expect(svg).toMatch(/^<svg[\s\S]*<\/svg>$/);
  for (const text of ['forwarder', 'functions', 'RSS, MiB']) expect(svg).toContain(text);
});
