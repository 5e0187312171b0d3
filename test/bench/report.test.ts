import { describe, expect, it } from 'vitest';
import { chartOf } from './chart.ts';
import { choices, count } from './flags.ts';
import { goalRows } from './goals.ts';
import { tablesOf } from './report.ts';
import type { PhaseResult } from './result.ts';
import { spread } from './spread.ts';

const LOAD = {
  websites: 10,
  site: 'plain',
  singles: 1,
  drifts: 1,
  idleSeconds: 1,
  churn: { perSecond: 1, seconds: 1 },
} as const;
const result = (subject: string, round: number, perSecond: number): PhaseResult => ({
  subject,
  round,
  phase: 'create',
  count: 10,
  unmet: 0,
  perSecond,
  latencyMs: {},
  cpuMs: { functions: 20, forwarder: 10, 'kube-apiserver': 100, etcd: 50 },
  rssMiB: { functions: 100, forwarder: 50, 'kube-apiserver': 500 },
  peakRssMiB: {},
  elapsedMs: 1000,
  requests: { 'POST deployments': 10 },
  writes: 30,
  figures: {},
});
const ROUNDS = [
  result('ours', 1, 100),
  result('controller-runtime-32', 1, 50),
  result('ours', 2, 300),
  result('controller-runtime-32', 2, 300),
  result('ours', 3, 90),
  result('controller-runtime-32', 3, 100),
];

describe('The tables of the report', () => {
  it('leave the control plane out of the costs of a subject', () => {
    const [create = ''] = tablesOf({ load: LOAD, results: [result('ours', 1, 100)] });
    const [, head = '', , row = ''] = create.split('\n').filter((line) => line !== '');
    const cells = (line: string) => line.split('|').map((cell) => cell.trim());
    const figure = (name: string) => cells(row)[cells(head).indexOf(name)];
    expect(figure('CPU per Website, ms')).toBe('3.00');
    expect(figure('RSS, MiB')).toBe('150');
    expect(figure('writes per Website')).toBe('3.00');
    expect(figure('Websites/s')).toBe('100');
  });

  it('compare the subjects within each round, and show the median of the ratios', () => {
    expect(goalRows(ROUNDS)).toContainEqual([
      'burst, Websites/s',
      'controller-runtime-32',
      'at least 1',
      '0.90 / **1.00** / 2.00',
      '3',
      'yes',
    ]);
  });

  it('show what each process costs, under load and at rest', () => {
    const idle = { ...result('ours', 1, 0), phase: 'idle' as const, count: 0 };
    const processes = tablesOf({ load: LOAD, results: [result('ours', 1, 100), idle] }).find((each) =>
      each.startsWith('### Processes'),
    );
    expect(processes).toContain('| create | ours | functions 2.00 ms, 100 MiB; forwarder 1.00 ms, 50 MiB;');
    expect(processes).toContain('| idle | ours | functions 2.00 %, 100 MiB; forwarder 1.00 %, 50 MiB;');
  });

  it('show a dash for missing values, and otherwise the spread', () => {
    expect(spread([], 1)).toBe('–');
    expect(spread([3, 1, 2], 0)).toBe('1 / **2** / 3');
    expect(spread([4, 2], 0)).toBe('2 / **3** / 4');
    expect(spread([3.14], 1)).toBe('3.1');
  });
});

it('The chart is an SVG with every subject and its median', () => {
  const svg = chartOf(ROUNDS);
  expect(svg).toMatch(/^<svg .*<\/svg>\s*$/s);
  for (const text of ['ours', 'controller-runtime-32', 'Burst, Websites/s', '>100<']) expect(svg).toContain(text);
});

describe('The benchmark', () => {
  it.each(['0', '-1', '1.5', 'many', ''])('refuses the count %j', (text) => {
    expect(() => count('--runs', text)).toThrow('--runs must be a whole number above 0');
  });

  it('refuses an unknown choice, and lists the known ones', () => {
    expect(choices('--subjects', 'b,a', ['a', 'b'])).toEqual(['b', 'a']);
    expect(() => choices('--subjects', 'a,x', ['a', 'b'])).toThrow('--subjects has none such as "x": take a, b');
  });
});
