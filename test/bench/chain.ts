// How fast Websites become Deployments, Services and status, beside the same writes made by nobody in particular.
import { parseArgs } from 'node:util';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { desired } from '../../functions/website/desired.ts';
import { websiteSpec, type WebsiteStatus } from '../../functions/website/resource.ts';
import type { WatchedObject } from '../../infra/forwarder/watch.ts';
import { eventually } from '../eventually.ts';
import { imageIn } from '../image.ts';
import { startFunctions, startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import {
  cpuMs,
  IN_FLIGHT,
  inParallel,
  observe,
  PATIENCE,
  print,
  quantile,
  rssMiB,
  secondsSince,
  SPEC,
  withControlPlane,
  type BenchCluster,
} from './measure.ts';

/** How much is measured in one run. */
interface Load {
  readonly count: number;
  readonly singles: number;
}
/** One figure of one run, by name. */
type Figures = Record<string, number>;
/** When each object was first seen so, by `namespace/name`. */
type Times = Map<string, number>;

/** Measures the whole way of a Website, and prints the figures. */
export async function benchChain(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      count: { type: 'string', default: '500' },
      singles: { type: 'string', default: '50' },
      runs: { type: 'string', default: '3' },
      quick: { type: 'boolean', default: false },
    },
  });
  const load = flags.quick
    ? { count: 100, singles: 20 }
    : { count: Number(flags.count), singles: Number(flags.singles) };
  const runs: Figures[] = [];
  for (let each = 0; each < (flags.quick ? 1 : Number(flags.runs)); each++)
    runs.push(await withControlPlane((cluster) => run(cluster, load)));
  const all = (name: string) => runs.map((figures) => figures[name] ?? NaN);
  const ratios = runs.map((figures) => (figures['burst, Websites/s'] ?? NaN) / (figures['ceiling, Websites/s'] ?? NaN));
  print(`${load.count} Websites, ${IN_FLIGHT} requests in flight`, [
    ...Object.keys(runs[0] ?? {}).map((name) => ({ name, values: all(name) })),
    { name: 'burst / ceiling', values: ratios, digits: 2 },
  ]);
}

async function run(cluster: BenchCluster, load: Load): Promise<Figures> {
  const chain = await measureChain(cluster, load);
  return { ...(await measureCeiling(cluster.transport, load)), ...chain };
}

/** The writes of a create, for Websites that are there already: what the API server can take at this concurrency. */
async function measureCeiling(transport: Transport, { count }: Load): Promise<Figures> {
  const namespace = await createNamespace(transport, 'ceiling');
  const cluster = kubernetes(transport);
  const websites = await inParallel(count, (index) =>
    createWebsite(transport, { namespace, name: `site-${index}` }, SPEC),
  );
  const start = performance.now();
  await inParallel(count, async (index) => {
    const website = websites[index];
    if (website === undefined) return;
    const { deployment, service } = desired(website, websiteSpec.parse(website.spec));
    await Promise.all([cluster.create(deployment), cluster.create(service)]);
    await cluster.updateStatus({ ...website, status: { observedGeneration: 1 } });
  });
  return { 'ceiling, Websites/s': count / secondsSince(start) };
}

async function measureChain({ transport, kubeconfigs }: BenchCluster, load: Load): Promise<Figures> {
  const environment = { KUBECONFIG: kubeconfigs['website-functions'], RESYNC_INTERVAL_SECONDS: '0' };
  const functions = startFunctions(environment, 'dist/functions/node.js');
  const sink = String((await functions.line('Listening'))['url']);
  const { command, variables } = imageIn('forwarder', 'dist/forwarder');
  const [file = '', ...rest] = command;
  const forwarder = startProgram(file, [...rest, '--sink', sink, '--host', '127.0.0.1', '--port', '0'], {
    ...variables,
    KUBECONFIG: kubeconfigs['website-forwarder'],
  });
  const seen = { judged: new Map<string, number>(), deployed: new Map<string, number>() };
  const stop = new AbortController();
  try {
    await forwarder.line('Listening');
    const watches = [
      observe(transport, { name: 'websites', prefix: '/apis/stable.example.com/v1' }, stop.signal, (object) => {
        const { observedGeneration } = (object.status ?? {}) as WebsiteStatus;
        if (observedGeneration === object.metadata.generation) note(seen.judged, object);
      }),
      observe(transport, { name: 'deployments', prefix: '/apis/apps/v1' }, stop.signal, (object) =>
        note(seen.deployed, object),
      ),
    ];
    const figures = {
      ...(await measureBurst(transport, seen.judged, { functions, forwarder }, load)),
      ...(await measureSingles(transport, seen, load)),
    };
    stop.abort();
    await Promise.all(watches);
    return figures;
  } finally {
    stop.abort();
    await Promise.all([functions.stop(), forwarder.stop()]);
  }
}

async function measureBurst(
  transport: Transport,
  judged: Times,
  { functions, forwarder }: { readonly functions: Program; readonly forwarder: Program },
  { count }: Load,
): Promise<Figures> {
  // What starts is slow at first: the API server, the controllers, and our own programs.
  await burst(transport, judged, IN_FLIGHT * 2);
  const cpu = cpuMs([functions, forwarder]);
  const start = performance.now();
  await burst(transport, judged, count);
  return {
    'burst, Websites/s': count / secondsSince(start),
    'CPU per Website, ms': (cpuMs([functions, forwarder]) - cpu) / count,
    'RSS of the functions, MiB': rssMiB(functions, 'VmHWM'),
    'RSS of the forwarder, MiB': rssMiB(forwarder, 'VmHWM'),
  };
}

/** Creates Websites, and waits until each has a status that judges it. */
async function burst(transport: Transport, judged: Times, count: number): Promise<void> {
  const namespace = await createNamespace(transport, 'burst');
  await inParallel(count, (index) => createWebsite(transport, { namespace, name: `site-${index}` }, SPEC));
  await eventually(() => {
    const done = [...judged.keys()].filter((name) => name.startsWith(`${namespace}/`)).length;
    if (done < count) throw new Error(`${done} of ${count} are judged`);
  }, PATIENCE);
}

async function measureSingles(
  transport: Transport,
  seen: { readonly judged: Times; readonly deployed: Times },
  { singles }: Load,
): Promise<Figures> {
  const namespace = await createNamespace(transport, 'single');
  const toDeployment: number[] = [];
  const toStatus: number[] = [];
  for (let index = 0; index < singles; index++) {
    const start = performance.now();
    await createWebsite(transport, { namespace, name: `site-${index}` }, SPEC);
    const at = (when: Times, name: string) =>
      eventually(() => {
        const time = when.get(`${namespace}/${name}`);
        if (time === undefined) throw new Error(`${name} is not there`);
        return time - start;
      }, PATIENCE);
    toDeployment.push(await at(seen.deployed, `site-${index}-deployment`));
    toStatus.push(await at(seen.judged, `site-${index}`));
  }
  return {
    'one at a time, to Deployment, p50 ms': quantile(toDeployment, 0.5),
    'one at a time, to status, p50 ms': quantile(toStatus, 0.5),
    'one at a time, to status, p99 ms': quantile(toStatus, 0.99),
  };
}

function note(times: Times, { metadata: { namespace, name } }: WatchedObject): void {
  const key = `${namespace}/${name}`;
  if (!times.has(key)) times.set(key, performance.now());
}
