// What both programs take with more Websites than a control plane holds on this machine. The API server is simulated: it makes settled
// objects page by page as they are listed, and its watches report nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFleetServer, type FleetServer } from '../fixtures/fleet-server.ts';
import { pidOf, startFunctions } from '../program.ts';
import { withNullSink } from './deliveries.ts';
import { count } from './flags.ts';
import { withForwarder } from './forwarder-program.ts';
import { print, type Row } from './rows.ts';
import { progress, secondsSince } from './measure.ts';
import { record } from './records.ts';
import { cpuMs, rssMiB } from './usage.ts';

const TIME = 'time, s';
const CPU = 'CPU, s';
const LISTS = 'lists, MiB';
const PEAK = 'peak RSS, MiB';

export async function benchScale(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      websites: { type: 'string', default: '200000' },
      shards: { type: 'string', default: '4' },
      quick: { type: 'boolean', default: false },
      record: { type: 'string' },
    },
  });
  const websites = flags.quick ? 10_000 : count('--websites', flags.websites);
  const shards = count('--shards', flags.shards);
  const rows = await scaleRows(websites, shards);
  print('Websites with a Deployment and a Service each, at a simulated API server', rows);
  if (flags.record !== undefined) record(flags.record, { rows });
}

export const scaleRows = async (websites: number, shards: number): Promise<Row[]> => [
  ...(await withFleet(websites / 4, (fleet) => forwarderRows(`start with ${text(websites / 4)}`, fleet))),
  ...(await withFleet(websites, async (fleet) => [
    ...(await forwarderRows(`start with ${text(websites)}`, fleet)),
    ...(await forwarderRows(`start of one of ${shards} shards`, fleet, `0/${shards}`)),
    ...(await resyncRows(`resync of ${text(websites)}`, websites, fleet)),
  ])),
];

const text = (websites: number): string => websites.toLocaleString('en');

interface Fleet {
  readonly server: FleetServer;
  readonly kubeconfig: string;
}

async function withFleet(websites: number, work: (fleet: Fleet) => Promise<Row[]>): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'website-bench-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const server = await startFleetServer(websites);
  writeFileSync(kubeconfig, server.kubeconfig);
  try {
    return await work({ server, kubeconfig });
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

async function forwarderRows(column: string, { server, kubeconfig }: Fleet, shard?: string): Promise<Row[]> {
  progress(`Measuring: ${column}`);
  const before = server.sentBytes();
  return withNullSink((sink) =>
    withForwarder(
      { kubeconfig, sink, ...(shard === undefined ? {} : { shard }) },
      async ({ syncedMs, cpuMs: cpu, rssMiB: rss, peakRssMiB }) => [
        { name: TIME, column, values: [syncedMs / 1000] },
        { name: CPU, column, values: [cpu / 1000] },
        { name: LISTS, column, values: [(server.sentBytes() - before) / 2 ** 20], digits: 0 },
        { name: PEAK, column, values: [peakRssMiB], digits: 0 },
        { name: 'RSS after it, MiB', column, values: [rss], digits: 0 },
      ],
    ),
  );
}

async function resyncRows(column: string, websites: number, { server, kubeconfig }: Fleet): Promise<Row[]> {
  progress(`Measuring: ${column}`);
  const functions = startFunctions({ KUBECONFIG: kubeconfig, RESYNC_INTERVAL_SECONDS: '0' });
  try {
    const resync = new URL('/resync', String((await functions.line('Listening'))['url']));
    const [cpuBefore, bytesBefore, pagesBefore] = [cpuMs(pidOf(functions)), server.sentBytes(), pagesOf(server)];
    const start = performance.now();
    const response = await fetch(resync, { method: 'POST' });
    const seconds = secondsSince(start);
    const report = response.headers.get('website-resync') ?? (await response.text());
    // Beyond a bound of memory, the functions read the children of each Website. The simulated API server does not answer that.
    const unreached = Number(
      /unreached=(\d+)|^.*?(\d+) Websites could not be reached/.exec(report)?.slice(1).find(Boolean) ?? 0,
    );
    return [
      { name: TIME, column, values: [seconds] },
      { name: CPU, column, values: [(cpuMs(pidOf(functions)) - cpuBefore) / 1000] },
      { name: LISTS, column, values: [(server.sentBytes() - bytesBefore) / 2 ** 20], digits: 0 },
      { name: PEAK, column, values: [rssMiB(pidOf(functions), 'VmHWM')], digits: 0 },
      { name: 'pages of the lists', column, values: [pagesOf(server) - pagesBefore], digits: 0 },
      { name: 'Websites compared from the lists', column, values: [websites - unreached], digits: 0 },
    ];
  } finally {
    await functions.stop();
  }
}

const pagesOf = ({ pages }: FleetServer): number => [...pages.values()].reduce((sum, each) => sum + each, 0);
