// What every benchmark needs: a cluster, work in parallel, what Linux knows of a process, and a table.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { cacheFolder, findBinaries } from '../../infra/local/binaries.ts';
import { startControlPlane } from '../../infra/local/control-plane.ts';
import { officialReleases } from '../../infra/local/download.ts';
import { goBuild } from '../../infra/local/go-build.ts';
import { install } from '../../infra/local/install.ts';
import { writeKubeconfigFor, type ServiceAccount } from '../../infra/local/kubeconfig.ts';
import { watch, type Resource, type WatchedObject } from '../../infra/forwarder/watch.ts';
import type { Program } from '../program.ts';

export const IN_FLIGHT = 32;
/** Nothing is scheduled: what is measured is our own work, and not that of the controllers behind it. */
export const SPEC = { image: 'nginx:1.29', replicas: 0 };
/** Of a benchmark, which may wait for a busy machine. */
export const PATIENCE = { deadlineMs: 300_000, everyMs: 5 };

const ASK_MS = 30_000;

/** A real control plane, for one run. */
export interface BenchCluster {
  /** Of an administrator. */
  readonly transport: Transport;
  /** With the rights of each program. */
  readonly kubeconfigs: Readonly<Record<ServiceAccount, string>>;
}

/** Starts a control plane with the CRD and the rights of both programs, and stops it after the work. */
export async function withControlPlane<T>(work: (cluster: BenchCluster) => Promise<T>): Promise<T> {
  const binaries = await findBinaries({
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: [officialReleases(), goBuild()],
    progress,
  });
  const controlPlane = await startControlPlane({ binaries });
  const address = { kubeconfig: controlPlane.kubeconfig };
  const transport = await connect(address);
  const kubeconfigOf = (account: ServiceAccount) =>
    writeKubeconfigFor(account, { transport, address, path: join(controlPlane.folder, `${account}.kubeconfig`) });
  try {
    await install(transport);
    const kubeconfigs = {
      'website-functions': await kubeconfigOf('website-functions'),
      'website-forwarder': await kubeconfigOf('website-forwarder'),
    };
    return await Promise.race([work({ transport, kubeconfigs }), controlPlane.failure]);
  } finally {
    await transport.close();
    await controlPlane.stop();
  }
}

/** For whoever waits; the figures go to stdout. */
export const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** Sees every object of a resource as it is now and as it becomes, until the signal. */
export function observe(
  transport: Transport,
  resource: Resource,
  signal: AbortSignal,
  see: (object: WatchedObject) => void,
): Promise<void> {
  const observer = { listStarted() {}, listed: see, listEnded() {}, changed: see, deleted() {} };
  const surroundings = { random: () => 0, wait: async () => {} };
  return watch({ resource, transport, observer, surroundings, entered: () => {} }, signal);
}

/** Does a piece of work for each index below the count, `IN_FLIGHT` at a time; the results are in their order. */
export async function inParallel<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const index of indexes) results[index] = await work(index);
    }),
  );
  return results;
}

/** Does a piece of work again and again, one after another. */
export async function repeat<T>(times: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  while (results.length < times) results.push(await work(results.length));
  return results;
}

/** A request to a program under measurement; the body is read, since a connection with one that is not is lost. */
export async function ask(url: URL, method: 'GET' | 'PUT' = 'GET'): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { method, signal: AbortSignal.timeout(ASK_MS) });
  return { status: response.status, text: await response.text() };
}

export const secondsSince = (start: number): number => (performance.now() - start) / 1000;

/** Linux counts in ticks of 10 ms. */
export function cpuMs(programs: readonly Program[]): number {
  const ticks = programs.map(({ process: { pid } }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}

/** @param field `VmRSS` for now, `VmHWM` for the most that it ever was. */
export function rssMiB(program: Program, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${program.process.pid}/status`, 'utf8');
  const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+)`).exec(status) ?? [];
  return Number(kilobytes) / 1024;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** One measure, in all its runs. */
export interface Row {
  readonly name: string;
  readonly values: readonly number[];
  readonly digits?: number;
}

const NAME_WIDTH = 48;

/** Prints a table with the least, the median and the most of each row. */
export function print(title: string, rows: readonly Row[]): void {
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(NAME_WIDTH)} ${cells.map((each) => each.padStart(10)).join('')}`;
  const lines = rows.map(({ name, values, digits = 1 }) =>
    line(name, [...[0, 0.5, 1].map((share) => quantile(values, share).toFixed(digits)), String(values.length)]),
  );
  process.stdout.write(`${[title, line('', ['least', 'median', 'most', 'runs']), ...lines, ''].join('\n')}\n`);
}
