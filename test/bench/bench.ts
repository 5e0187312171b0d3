// npm run bench: how fast Websites become Deployments, Services and status, beside the same writes made by nobody in
// particular. Everything runs on this machine, so read the ratios and not the figures.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { desired } from '../../functions/website/desired.ts';
import { websiteSpec, type WebsiteStatus } from '../../functions/website/resource.ts';
import { watch, type Resource, type WatchedObject } from '../../infra/forwarder/watch.ts';
import { cacheFolder, findBinaries } from '../../infra/local/binaries.ts';
import { startControlPlane } from '../../infra/local/control-plane.ts';
import { officialReleases } from '../../infra/local/download.ts';
import { goBuild } from '../../infra/local/go-build.ts';
import { install } from '../../infra/local/install.ts';
import { writeKubeconfigFor } from '../../infra/local/kubeconfig.ts';
import { eventually } from '../eventually.ts';
import { startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';

const { values: flags } = parseArgs({
  options: {
    count: { type: 'string', default: '500' },
    singles: { type: 'string', default: '50' },
    runs: { type: 'string', default: '3' },
    quick: { type: 'boolean', default: false },
  },
});
const COUNT = flags.quick ? 100 : Number(flags.count);
const SINGLES = flags.quick ? 20 : Number(flags.singles);
const RUNS = flags.quick ? 1 : Number(flags.runs);
const IN_FLIGHT = 32;
/** Nothing is scheduled: what is measured is the work of the functions, and not of the controllers behind them. */
const SPEC = { image: 'nginx:1.29', replicas: 0 };
const PATIENCE = { deadlineMs: 300_000, everyMs: 5 };

/** One figure of one run, by name. */
type Figures = Record<string, number>;

async function run(): Promise<Figures> {
  const progress = (line: string) => void process.stderr.write(`${line}\n`);
  const binaries = await findBinaries({
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: [officialReleases(), goBuild()],
    progress,
  });
  const controlPlane = await startControlPlane({ binaries });
  const address = { kubeconfig: controlPlane.kubeconfig };
  const transport = await connect(address);
  try {
    await install(transport);
    const kubeconfigs = await Promise.all(
      (['website-functions', 'website-forwarder'] as const).map((account) =>
        writeKubeconfigFor(account, { transport, address, path: join(controlPlane.folder, `${account}.kubeconfig`) }),
      ),
    );
    const chain = await measureChain(transport, kubeconfigs);
    return { ...(await measureCeiling(transport)), ...chain };
  } finally {
    await transport.close();
    await controlPlane.stop();
  }
}

/** The writes of a create, for Websites that are there already: what the API server can take at this concurrency. */
async function measureCeiling(transport: Transport): Promise<Figures> {
  const namespace = await createNamespace(transport, 'ceiling');
  const cluster = kubernetes(transport);
  const websites = await inParallel(COUNT, (index) =>
    createWebsite(transport, { namespace, name: `site-${index}` }, SPEC),
  );
  const start = performance.now();
  await inParallel(COUNT, async (index) => {
    const website = websites[index];
    if (website === undefined) return;
    const { deployment, service } = desired(website, websiteSpec.parse(website.spec));
    await Promise.all([cluster.create(deployment), cluster.create(service)]);
    await cluster.updateStatus({ ...website, status: { observedGeneration: 1 } });
  });
  return { 'ceiling, Websites/s': perSecond(start) };
}

async function measureChain(
  transport: Transport,
  [functionsConfig = '', forwarderConfig = '']: string[],
): Promise<Figures> {
  const functions = startProgram('functions/node.ts', [], {
    KUBECONFIG: functionsConfig,
    HOST: '127.0.0.1',
    PORT: '0',
    RESYNC_INTERVAL_SECONDS: '0',
    LOG_LEVEL: 'info',
  });
  const sink = String((await functions.line('Listening'))['url']);
  const forwarder = startProgram('infra/forwarder/main.ts', ['--sink', sink, '--host', '127.0.0.1', '--port', '0'], {
    KUBECONFIG: forwarderConfig,
  });
  const programs = [functions, forwarder];
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
      ...(await measureBurst(transport, seen.judged, programs)),
      ...(await measureSingles(transport, seen)),
    };
    stop.abort();
    await Promise.all(watches);
    return figures;
  } finally {
    stop.abort();
    await Promise.all(programs.map((program) => program.stop()));
  }
}

async function measureBurst(
  transport: Transport,
  judged: ReadonlyMap<string, number>,
  programs: readonly Program[],
): Promise<Figures> {
  // What starts is slow at first: the API server, the controllers, and our own programs.
  await burst(transport, judged, IN_FLIGHT * 2);
  const cpu = cpuMs(programs);
  const start = performance.now();
  await burst(transport, judged, COUNT);
  return {
    'burst, Websites/s': perSecond(start),
    'CPU per Website, ms': (cpuMs(programs) - cpu) / COUNT,
    'RSS of the functions, MiB': rssMiB(programs[0]),
    'RSS of the forwarder, MiB': rssMiB(programs[1]),
  };
}

/** Creates Websites, and waits until each has a status that judges it. */
async function burst(transport: Transport, judged: ReadonlyMap<string, number>, count: number): Promise<void> {
  const namespace = await createNamespace(transport, 'burst');
  await inParallel(count, (index) => createWebsite(transport, { namespace, name: `site-${index}` }, SPEC));
  await eventually(() => {
    const done = [...judged.keys()].filter((name) => name.startsWith(`${namespace}/`)).length;
    if (done < count) throw new Error(`${done} of ${count} are judged`);
  }, PATIENCE);
}

async function measureSingles(
  transport: Transport,
  seen: { readonly judged: ReadonlyMap<string, number>; readonly deployed: ReadonlyMap<string, number> },
): Promise<Figures> {
  const namespace = await createNamespace(transport, 'single');
  const toDeployment: number[] = [];
  const toStatus: number[] = [];
  for (let index = 0; index < SINGLES; index++) {
    const start = performance.now();
    await createWebsite(transport, { namespace, name: `site-${index}` }, SPEC);
    const at = (when: ReadonlyMap<string, number>, name: string) =>
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

function observe(
  transport: Transport,
  resource: Resource,
  signal: AbortSignal,
  see: (object: WatchedObject) => void,
): Promise<void> {
  const observer = { listStarted() {}, listed: see, listEnded() {}, changed: see, deleted() {} };
  const surroundings = { random: () => 0, wait: async () => {} };
  return watch({ resource, transport, observer, surroundings, entered: () => {} }, signal);
}

function note(times: Map<string, number>, { metadata: { namespace, name } }: WatchedObject): void {
  const key = `${namespace}/${name}`;
  if (!times.has(key)) times.set(key, performance.now());
}

async function inParallel<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const index of indexes) results[index] = await work(index);
    }),
  );
  return results;
}

const perSecond = (start: number): number => COUNT / ((performance.now() - start) / 1000);

/** Linux counts in ticks of 10 ms. */
function cpuMs(programs: readonly Program[]): number {
  const ticks = programs.map(({ process: { pid } }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}

function rssMiB(program: Program | undefined): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${program?.process.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function print(runs: readonly Figures[]): void {
  const names = Object.keys(runs[0] ?? {});
  const all = (name: string) => runs.map((figures) => figures[name] ?? NaN);
  const row = (name: string, values: readonly number[], digits: number) => {
    const [least, median, most] = [0, 0.5, 1].map((share) => quantile(values, share).toFixed(digits));
    return `${name.padEnd(40)} ${[least, median, most].map((each) => String(each).padStart(9)).join('')}`;
  };
  const ratios = runs.map((figures) => (figures['burst, Websites/s'] ?? NaN) / (figures['ceiling, Websites/s'] ?? NaN));
  const lines = [
    `${COUNT} Websites, ${IN_FLIGHT} requests in flight, ${RUNS} runs`,
    `${''.padEnd(40)} ${['least', 'median', 'most'].map((each) => each.padStart(9)).join('')}`,
    ...names.map((name) => row(name, all(name), 1)),
    row('burst / ceiling', ratios, 2),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

const runs: Figures[] = [];
for (let each = 0; each < RUNS; each++) runs.push(await run());
print(runs);
