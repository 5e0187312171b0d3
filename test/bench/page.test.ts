import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chartFrom, withFigures } from './page.ts';
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

  it('says where and how it was measured', () => {
    expect(withFigures(page('conditions start'), { start: MEASUREMENT })).toContain(
      '`npm run bench -- cold-start` on 2026-11-01, at abc: 2 cores (a CPU), Node v24, Kubernetes v1.37.0.',
    );
  });

  it('leads to an error if the table or the measurement does not exist', () => {
    expect(() => withFigures(page('rows start'), {})).toThrow('docs/performance.json has no measurement start');
    expect(() => withFigures(page('graph start'), { start: MEASUREMENT })).toThrow(
      'There is no table graph: choose from operators, ratios, rows, conditions',
    );
  });
});
