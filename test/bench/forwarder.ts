// The forwarder alone, over a real API server: what it takes to know so many Websites, and how fast it passes changes on.
import { parseArgs } from 'node:util';
import { deliverAll, measureLatencies, withNullSink, type Deliveries } from './deliveries.ts';
import { count } from './flags.ts';
import { withForwarder, type SyncedForwarder } from './forwarder-program.ts';
import { print, quantile, type Row } from './rows.ts';
import { progress, repeat, secondsSince } from './measure.ts';
import { withControlPlane, type BenchCluster } from './bench-cluster.ts';
import { record } from './records.ts';
import { measureRelists, RELISTS } from './relists.ts';
import { createWebsites, settle } from './websites.ts';

/** A Website, its Deployment and its Service. */
const OBJECTS_OF_ONE = 3;
const EMPTY = 'no Websites';

/** Measures the forwarder over clusters of several sizes, and prints a table for each. */
export async function benchForwarder(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '5' },
      quick: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      record: { type: 'string' },
    },
  });
  const runs = flags.quick ? 3 : count('--runs', flags.runs);
  const sizes = flags.quick ? [1_000] : [1_000, 10_000, ...(flags.large ? [50_000] : [])];
  const rows: Row[] = [];
  for (const size of sizes) {
    const measured = await withControlPlane((cluster) =>
      withNullSink((sink) => measure({ cluster, sink, size, runs })),
    );
    print(`${size} Websites with a Deployment and a Service each`, measured);
    rows.push(...measured);
  }
  if (flags.record !== undefined) record(flags.record, { rows });
}

interface Bench {
  readonly cluster: BenchCluster;
  readonly sink: string;
  readonly size: number;
  readonly runs: number;
}

async function measure({ cluster, sink, size, runs }: Bench): Promise<Row[]> {
  const options = { kubeconfig: cluster.kubeconfigs['website-forwarder'], sink };
  const empty = await repeat(runs, () => withForwarder(options, weigh));

  const creating = performance.now();
  const websites = await createWebsites(cluster.transport, size);
  progress(`Created ${size} Websites in ${secondsSince(creating).toFixed(1)} s`);
  const deliveries = await repeat(runs, () => deliverAll(options, size));

  const settling = performance.now();
  await settle(cluster.transport, websites);
  progress(`Settled them in ${secondsSince(settling).toFixed(1)} s`);
  const full = await repeat(runs, () => withForwarder(options, weigh));
  const relists = await repeat(Math.min(runs, 3), () => measureRelists(options));
  const latencies = await measureLatencies(cluster, runs);
  const column = `${size.toLocaleString('en')} Websites`;
  return [
    ...startRows(empty).map((row) => ({ ...row, column: EMPTY })),
    ...[
      ...startRows(full),
      ...heapRows(empty, full, size * OBJECTS_OF_ONE),
      ...relistRows(relists),
      ...deliveryRows(deliveries),
      ...[0.5, 0.99].map((share) => ({
        name: `write to event, one at a time, p${share * 100}, ms`,
        values: latencies.map((each) => quantile(each, share)),
      })),
    ].map((row) => ({ ...row, column })),
  ];
}

/** What a forwarder takes once it is synced; the garbage is collected last, since that changes the rest. */
async function weigh({ syncedMs, cpuMs: cpu, rssMiB, peakRssMiB, collected }: SyncedForwarder) {
  return { syncedMs, cpu, rssMiB, peakRssMiB, heapMiB: await collected() };
}
type Weight = Awaited<ReturnType<typeof weigh>>;

const startRows = (weights: readonly Weight[]): Row[] => [
  { name: 'peak RSS until synced, MiB', values: weights.map(({ peakRssMiB }) => peakRssMiB), digits: 0 },
  { name: 'RSS once synced, MiB', values: weights.map(({ rssMiB }) => rssMiB), digits: 0 },
  { name: 'heap in use, MiB', values: weights.map(({ heapMiB }) => heapMiB) },
  { name: 'start to synced, ms', values: weights.map(({ syncedMs }) => syncedMs), digits: 0 },
  { name: 'CPU until synced, ms', values: weights.map(({ cpu }) => cpu), digits: 0 },
];

function heapRows(empty: readonly Weight[], full: readonly Weight[], objects: number): Row[] {
  const nothing = quantile(
    empty.map(({ heapMiB }) => heapMiB),
    0.5,
  );
  const values = full.map(({ heapMiB }) => ((heapMiB - nothing) * 2 ** 20) / objects);
  return [{ name: 'heap for each object, bytes', values, digits: 0 }];
}

const relistRows = (relists: readonly Awaited<ReturnType<typeof measureRelists>>[]): Row[] => [
  { name: 'a relist of all kinds, ms', values: relists.flatMap(({ ms }) => ms), digits: 0 },
  {
    name: `growth of RSS, relists 1 to ${RELISTS}, MiB`,
    values: relists.map(({ rssMiB }) => (rssMiB.at(-1) ?? NaN) - (rssMiB[1] ?? NaN)),
  },
  // Below nothing when V8 has let go of code that only the start needed.
  {
    name: `growth of heap in use, ${RELISTS} relists, KiB`,
    values: relists.map(({ heapMiB: [before, after] }) => (after - before) * 1024),
    digits: 0,
  },
];

const deliveryRows = (deliveries: readonly Deliveries[]): Row[] => [
  { name: 'events/s to a sink that does nothing', values: deliveries.map(({ perSecond }) => perSecond), digits: 0 },
  { name: 'CPU per event, ms', values: deliveries.map(({ cpuMsPerEvent }) => cpuMsPerEvent), digits: 3 },
  {
    name: 'RSS with an event of each Website queued, MiB',
    values: deliveries.map(({ queuedRssMiB }) => queuedRssMiB),
    digits: 0,
  },
];
