import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chartFrom, withFigures } from './page.ts';
import type { PhaseResult } from './result.ts';
import { readRecords, type Measurement } from './records.ts';

const MEASUREMENT: Measurement = {
  machine: {
    at: '2026-11-01T10:00:00Z',
    commit: 'abc',
    cpu: 'a CPU',
    cores: 2,
    memoryGiB: 8,
    kernel: '6',
    node: 'v24',
    kubernetes: 'v1.37.0',
  },
  command: 'npm run bench -- cold-start',
  rows: [{ name: 'start, ms', values: [3, 1, 2], digits: 0 }],
};
const page = (table: string) => `Before\n\n<!-- figures: ${table} -->\nold\n<!-- end of figures -->\n\nAfter\n`;

describe('docs/performance.md', () => {
  it('has exactly the tables and the chart that follow from docs/performance.json', () => {
    const text = readFileSync('docs/performance.md', 'utf8');
    const records = readRecords();
    expect(text).toBe(withFigures(text, records));
    const chart = chartFrom(records);
    if (chart !== undefined) expect(readFileSync('docs/performance.svg', 'utf8')).toBe(chart);
  });

  it('has the same chart whatever the process has drawn before', () => {
    const records = readRecords();
    expect(chartFrom(records)).toBe(chartFrom(records));
  });

  it('shows every recorded measurement', () => {
    const text = readFileSync('docs/performance.md', 'utf8');
    for (const name of Object.keys(readRecords())) expect(text).toMatch(new RegExp(`<!-- figures: \\S+ ${name} -->`));
  });
});

describe('A table of the page', () => {
  it('is written between its comments, and the text around it stays', () => {
    expect(withFigures(page('rows start'), { start: MEASUREMENT })).toBe(
      page('rows start').replace(
        'old\n',
        '\n|  | least / **median** / most | runs |\n|---|---|---|\n| start, ms | 1 / **2** / 3 | 3 |\n\n',
      ),
    );
  });

  it('has a row with medians for each of several loads', () => {
    const phase = (subject: string, round: number, p50: number): PhaseResult => ({
      subject,
      phase: 'churn',
      round,
      count: 10,
      unmet: 0,
      elapsedMs: 1000,
      cpuMs: { [subject]: 500, etcd: 100 },
      rssMiB: {},
      peakRssMiB: {},
      requests: {},
      writes: 0,
      figures: {},
      latencyMs: { website: { p50, p99: 2 * p50 } },
    });
    const load = (perSecond: number, command: string): Measurement => ({
      ...MEASUREMENT,
      command,
      load: { websites: 1000, site: 'plain', singles: 0, drifts: 0, idleSeconds: 0, churn: { perSecond, seconds: 1 } },
      results: [phase('ours', 1, 10), phase('ours', 2, 20), phase('controller-runtime-32', 1, 8)],
    });
    const records = { calm: load(39, 'npm run bench'), busy: load(20, 'npm run bench -- --beside 1') };
    expect(withFigures(page('steady calm,busy'), records)).toContain(
      [
        '| 1,000 Websites, 39 changes/s | 15.0 | 30 | 0.50 | 8.0 | 16 | 0.50 |',
        '| 1,000 Websites, 20 changes/s, beside a process that takes a core | 15.0 | 30 | 0.50 | 8.0 | 16 | 0.50 |',
      ].join('\n'),
    );
  });

  it('says where and how it was measured', () => {
    expect(withFigures(page('conditions start'), { start: MEASUREMENT })).toContain(
      '`npm run bench -- cold-start` on 2026-11-01, at abc: 2 cores (a CPU), Node v24, Kubernetes v1.37.0.',
    );
  });

  it('leads to an error if the table or the measurement does not exist', () => {
    expect(() => withFigures(page('rows start'), {})).toThrow('docs/performance.json has no measurement start');
    expect(() => withFigures(page('graph start'), { start: MEASUREMENT })).toThrow(
      'There is no table graph: choose from summary, steady, operators, ratios, rows, conditions',
    );
  });
});
