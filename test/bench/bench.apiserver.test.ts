// `npm run bench` in its smallest form: with the phases that it measures unless the command line names others, and of other subjects
// what no other test starts.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { startOf, startOfEmptyFunction } from './cold-start.ts';
import { withNullSink } from './deliveries.ts';
import { gapAfter } from './failover.ts';
import { measureRelists } from './relists.ts';
import { scaleRows } from './scale.ts';
import type { Report } from './report.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const WEBSITES = 4;
const SMALLEST = ['--runs', '1', '--websites', String(WEBSITES), '--warm-up', '1', '--idle-seconds', '1'];

/** Not NaN, which would be null in the file. */
const FIGURE: unknown = expect.any(Number);
const figures = (...names: string[]) => Object.fromEntries(names.map((name) => [name, FIGURE]));
const PROCESSES = figures('functions', 'forwarder', 'etcd', 'kube-apiserver');

/** What each phase sees change. */
const SEEN = {
  create: ['deployment', 'service', 'website'],
  single: ['deployment', 'service', 'website'],
  update: ['deployment', 'website'],
  drift: ['deployment'],
  rollout: ['website'],
  resync: [],
  idle: [],
  delete: ['website'],
};
const shapeOf = (phase: string, seen: readonly string[]) => ({
  subject: 'ours',
  round: 1,
  phase,
  count: seen.length === 0 ? 0 : WEBSITES,
  unmet: 0,
  ...(seen.length === 0 ? {} : figures('seconds', 'perSecond')),
  latencyMs: Object.fromEntries(seen.map((each) => [each, figures('p50', 'p99')])),
  cpuMs: PROCESSES,
  rssMiB: PROCESSES,
  peakRssMiB: PROCESSES,
  ...figures('elapsedMs', 'writes', 'idlePercent'),
  requests: expect.any(Object) as unknown,
  figures: phase === 'resync' ? figures('resync, s', 'bare lists, s', 'resync / bare lists') : {},
});

it('npm run bench measures every phase of the default, prints tables and writes the figures', async ({ signal }) => {
  // The tests have built already, and another build would replace programs that other tests run.
  const [build, command = ''] = scripts['bench']?.split(' && ') ?? [];
  expect(build).toBe('npm run build');
  const [, file = ''] = command.split(' ');
  const [json, chart] = [join(folder, 'figures.json'), join(folder, 'chart.svg')];
  const flags = [...SMALLEST, '--subjects', 'ours', '--json', json, '--chart', chart];
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...flags], { signal });

  const { load, results } = JSON.parse(readFileSync(json, 'utf8')) as Report;
  expect(load).toMatchObject({ websites: WEBSITES, singles: WEBSITES, drifts: WEBSITES / 2, idleSeconds: 1 });
  expect(results).toEqual(Object.entries(SEEN).map(([phase, seen]) => shapeOf(phase, seen)));
  for (const phase of Object.keys(SEEN)) expect(stdout).toContain(`### ${phase} (${WEBSITES} Websites)`);
  expect(readFileSync(chart, 'utf8')).toMatch(/^<svg/);
});

/** Not NaN. */
const areFigures = (values: readonly number[]): boolean => values.length > 0 && values.every(Number.isFinite);

describe('In its smallest form, npm run bench --', () => {
  const kubeconfig = inject('forwarderKubeconfig');
  const kubeconfigs = { 'website-functions': inject('functionsKubeconfig'), 'website-forwarder': kubeconfig };
  let transport: Transport;
  beforeEach(async () => {
    transport = await connect({ kubeconfig: inject('kubeconfig') });
  });
  afterEach(() => transport.close());

  it('forwarder measures a relist', async () => {
    const { ms, rssMiB, heapMiB } = await withNullSink((sink) => measureRelists({ kubeconfig, sink }, 1));
    expect([ms.length, rssMiB.length]).toEqual([1, 2]);
    expect(areFigures([...ms, ...rssMiB, ...heapMiB])).toBe(true);
  });

  it('failover measures how soon a standby follows', async () => {
    expect(areFigures([await gapAfter('SIGKILL', { transport, kubeconfigs })])).toBe(true);
  });

  it('cold-start measures the functions and an empty one', async () => {
    const cluster = { transport, kubeconfigs };
    const starts = [await startOf('bundle', cluster), await startOfEmptyFunction(cluster)];
    expect(starts.map((start) => areFigures(Object.values(start)))).toEqual([true, true]);
  });

  it('scale measures both programs', async () => {
    const rows = await scaleRows(8, 2);
    expect(new Set(rows.map(({ column }) => column)).size).toBe(4);
    expect(rows.filter(({ values }) => !areFigures(values))).toEqual([]);
  });
});
