import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chartsFrom, withFigures } from './page.ts';
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
  it('has exactly the tables and the charts that follow from docs/performance.json', () => {
    const text = readFileSync('docs/performance.md', 'utf8');
    const records = readRecords();
    expect(text).toBe(withFigures(text, records));
    for (const [file, chart] of Object.entries(chartsFrom(records)))
      expect(readFileSync(`docs/${file}`, 'utf8')).toBe(chart);
  });

  it('has the same charts whatever the process has drawn before', () => {
    const records = readRecords();
    expect(chartsFrom(records)).toEqual(chartsFrom(records));
  });

  it('shows every recorded measurement', () => {
    const text = readFileSync('docs/performance.md', 'utf8');
    for (const name of Object.keys(readRecords()))
      expect(text).toMatch(new RegExp(`<!-- figures: \\S+ (\\S+,)?${name}(,\\S+)? -->`));
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

  it('has a column for each condition under which the same was measured', () => {
    const row = (name: string, column: string, values: number[]) => ({ name, column, values, digits: 0 });
    const rows = [
      row('RSS, MiB', 'no Websites', [60]),
      row('RSS, MiB', '1,000 Websites', [71, 70, 72]),
      row('events/s', '1,000 Websites', [500]),
      row('RSS, MiB', 'no Websites', [62]),
    ];
    expect(withFigures(page('columns sizes'), { sizes: { ...MEASUREMENT, rows } })).toContain(
      [
        '|  | no Websites | 1,000 Websites |',
        '|---|---|---|',
        '| RSS, MiB | 60 / **61** / 62 | 70 / **71** / 72 |',
        '| events/s | – | 500 |',
      ].join('\n'),
    );
  });

  it('has a row with what each process takes at rest', () => {
    const phase = (
      subject: string,
      name: 'create' | 'idle',
      round: number,
      rss: Record<string, number>,
    ): PhaseResult => ({
      subject,
      phase: name,
      round,
      count: 0,
      unmet: 0,
      elapsedMs: 1000,
      cpuMs: Object.fromEntries(Object.keys(rss).map((process) => [process, 4])),
      rssMiB: rss,
      peakRssMiB: rss,
      requests: {},
      writes: 0,
      figures: {},
      latencyMs: {},
    });
    const load = (websites: number, results: PhaseResult[]): Measurement => ({
      ...MEASUREMENT,
      load: { websites, site: 'plain', singles: 0, drifts: 0, idleSeconds: 1, churn: { perSecond: 1, seconds: 1 } },
      results,
    });
    const records = {
      few: load(1000, [
        phase('ours', 'create', 1, { forwarder: 90, functions: 200, etcd: 1 }),
        phase('ours', 'idle', 1, { forwarder: 74, functions: 80, etcd: 1 }),
        phase('ours', 'create', 2, { forwarder: 92, functions: 300, etcd: 1 }),
        phase('ours', 'idle', 2, { forwarder: 76, functions: 90, etcd: 1 }),
        phase('kopf', 'idle', 1, { operator: 130, etcd: 1 }),
      ]),
      many: load(10_000, [phase('kopf', 'idle', 1, { operator: 300 })]),
    };
    const table = withFigures(page('rest few,many'), records);
    expect(table).toContain('|  | 1,000 Websites: at rest, MiB |');
    expect(table).toContain('| 10,000 Websites: at rest, MiB |');
    expect(table).toContain(
      [
        '| ours: forwarder | 75 | 91 | 0.4 | – | – | – |',
        '| ours: functions | 85 | 250 | 0.4 | – | – | – |',
        '| kopf | 130 | 130 | 0.4 | 300 | 300 | 0.4 |',
        '',
      ].join('\n'),
    );
  });

  it('has what a soak says about the memory of each program', () => {
    const samples = [
      { minutes: 1, isQuiet: false, forwarder: 90, functions: 200 },
      { minutes: 2, isQuiet: true, forwarder: 75, functions: 88 },
    ];
    expect(withFigures(page('memory soak'), { soak: { ...MEASUREMENT, samples } })).toContain(
      '| RSS at rest, at the end of each quiet time, MiB | 75 | 88 |',
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
      'There is no table graph: choose from summary, steady, operators, ratios, rows, columns, memory, rest, conditions',
    );
  });
});
