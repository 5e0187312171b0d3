// The forwarder alone, over a real API server: what it takes to know so many Websites, and how fast it passes changes on.
import { parseArgs } from 'node:util';
import { deliverAll, measureLatencies, withNullSink, type Deliveries } from './deliveries.ts';
import { withForwarder, type SyncedForwarder } from './forwarder-program.ts';
import {
  IN_FLIGHT,
  print,
  progress,
  quantile,
  repeat,
  secondsSince,
  withControlPlane,
  type BenchCluster,
  type Row,
} from './measure.ts';
import { measureRelists, RELISTS } from './relists.ts';
import { createWebsites, settle } from './websites.ts';

/** A Website, its Deployment and its Service. */
const OBJECTS_OF_ONE = 3;

/** Measures the forwarder over clusters of several sizes, and prints a table for each. */
export async function benchForwarder(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '5' },
      quick: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
    },
  });
  const runs = flags.quick ? 3 : Number(flags.runs);
  const sizes = flags.quick ? [1_000] : [1_000, 10_000, ...(flags.large ? [50_000] : [])];
  for (const size of sizes) {
    const rows = await withControlPlane((cluster) => withNullSink((sink) => measure({ cluster, sink, size, runs })));
    print(`${size} Websites with a Deployment and a Service each, ${IN_FLIGHT} writes in flight to make them`, rows);
  }
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
  const createdSeconds = secondsSince(creating);
  progress(`Created ${size} Websites in ${createdSeconds.toFixed(1)} s`);
  const deliveries = await repeat(runs, () => deliverAll(options, size));

  const settling = performance.now();
  await settle(cluster.transport, websites);
  const settledSeconds = secondsSince(settling);
  progress(`Settled them in ${settledSeconds.toFixed(1)} s`);
  const full = await repeat(runs, () => withForwarder(options, weigh));
  const relists = await repeat(Math.min(runs, 3), () => measureRelists(options));
  const latencies = await measureLatencies(cluster, runs);
  return [
    { name: 'setup: Websites, s', values: [createdSeconds] },
    { name: 'setup: children, status, controllers, s', values: [settledSeconds] },
    ...startRows(empty, full, size * OBJECTS_OF_ONE),
    ...relistRows(relists),
    ...deliveryRows(deliveries),
    ...[0.5, 0.99].map((share) => ({
      name: `write to event, one at a time, p${share * 100}, ms`,
      values: latencies.map((each) => quantile(each, share)),
    })),
  ];
}

/** What a forwarder takes once it is synced; the garbage is collected last, since that changes the rest. */
async function weigh({ syncedMs, cpuMs: cpu, rssMiB, peakRssMiB, collected }: SyncedForwarder) {
  const { heapMiB, rssMiB: collectedRssMiB } = await collected();
  return { syncedMs, cpu, rssMiB, peakRssMiB, heapMiB, collectedRssMiB };
}
type Weight = Awaited<ReturnType<typeof weigh>>;

function startRows(empty: readonly Weight[], full: readonly Weight[], objects: number): Row[] {
  const of = (weights: readonly Weight[], field: keyof Weight) => weights.map((each) => each[field]);
  const both = (name: string, field: keyof Weight): Row[] => [
    { name: `${name}, empty cluster`, values: of(empty, field) },
    { name, values: of(full, field) },
  ];
  const bytesPerObject = (field: keyof Weight) => {
    const nothing = quantile(of(empty, field), 0.5);
    return of(full, field).map((mebibytes) => ((mebibytes - nothing) * 2 ** 20) / objects);
  };
  return [
    ...both('start to synced, ms', 'syncedMs'),
    ...both('CPU until synced, ms', 'cpu'),
    ...both('RSS after lists, MiB', 'rssMiB'),
    ...both('peak RSS, MiB', 'peakRssMiB'),
    ...both('RSS after garbage collection, MiB', 'collectedRssMiB'),
    ...both('heap in use, MiB', 'heapMiB'),
    { name: 'bytes per object, by RSS after lists', values: bytesPerObject('rssMiB'), digits: 0 },
    { name: 'bytes per object, by heap in use', values: bytesPerObject('heapMiB'), digits: 0 },
  ];
}

function relistRows(relists: readonly Awaited<ReturnType<typeof measureRelists>>[]): Row[] {
  const rss = (index: number) => relists.map(({ rssMiB }) => rssMiB.at(index) ?? NaN);
  const last = rss(-1);
  return [
    { name: 'relist, ms', values: relists.flatMap(({ ms }) => ms) },
    { name: 'RSS before relists, MiB', values: rss(0) },
    { name: 'RSS after relist 1, MiB', values: rss(1) },
    { name: `RSS after relist ${RELISTS}, MiB`, values: last },
    {
      name: `RSS after relist ${RELISTS} and garbage collection, MiB`,
      values: relists.map(({ collectedRssMiB }) => collectedRssMiB),
    },
    {
      name: `growth of RSS, relists 1 to ${RELISTS}, MiB`,
      values: rss(1).map((first, index) => (last[index] ?? NaN) - first),
    },
    // Below nothing when V8 has let go of code that only the start needed.
    {
      name: `growth of heap in use, ${RELISTS} relists, KiB`,
      values: relists.map(({ heapMiB: [before, after] }) => (after - before) * 1024),
    },
  ];
}

const deliveryRows = (deliveries: readonly Deliveries[]): Row[] => [
  { name: 'events/s', values: deliveries.map(({ perSecond }) => perSecond), digits: 0 },
  { name: 'CPU per event, ms', values: deliveries.map(({ cpuMsPerEvent }) => cpuMsPerEvent), digits: 3 },
  { name: 'RSS with all events queued, MiB', values: deliveries.map(({ queuedRssMiB }) => queuedRssMiB) },
];
