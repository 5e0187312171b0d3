// What every benchmark needs: a cluster, work in parallel, what Linux knows of a process, and a table.
import { join } from 'node:path';
import { Places } from '../../functions/cluster/places.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { cacheFolder, findBinaries } from '../../infra/local/binaries/binaries.ts';
import { startControlPlane } from '../../infra/local/control-plane/control-plane.ts';
import { allSources } from '../../infra/local/binaries/sources.ts';
import { install } from '../../infra/local/programs/install.ts';
import { NAMESPACE, writeKubeconfigFor, type ServiceAccount } from '../../infra/local/programs/kubeconfig.ts';
import { watch } from '../../infra/forwarder/watch/watch.ts';
import type { Resource } from '../../infra/forwarder/watch/state.ts';
import type { WatchedObject } from '../../infra/forwarder/watch/observer.ts';

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
  /** Of somebody who may do everything, but is not exempt from API priority and fairness. */
  readonly rival: string;
  readonly pids: ReadonlyMap<string, number>;
}

const RIVAL = 'rival';

/** Starts a control plane with the CRD and the rights of both programs, and stops it after the work. */
export async function withControlPlane<T>(
  work: (cluster: BenchCluster) => Promise<T>,
  controllers: 'on' | 'off' = 'on',
): Promise<T> {
  const binaries = await findBinaries({
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: allSources(),
    progress,
  });
  const controlPlane = await startControlPlane({ binaries, controllers });
  const address = { kubeconfig: controlPlane.kubeconfig };
  const transport = await connect(address);
  const kubeconfigOf = (account: string) =>
    writeKubeconfigFor(account, { transport, address, path: join(controlPlane.folder, `${account}.kubeconfig`) });
  try {
    await install(transport);
    const kubeconfigs = {
      'website-functions': await kubeconfigOf('website-functions'),
      'website-forwarder': await kubeconfigOf('website-forwarder'),
    };
    await createRival(transport);
    const cluster = { transport, kubeconfigs, rival: await kubeconfigOf(RIVAL), pids: controlPlane.pids };
    return await Promise.race([work(cluster), controlPlane.failure]);
  } finally {
    await transport.close();
    await controlPlane.stop();
  }
}

async function createRival(transport: Transport): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const account = { kind: 'ServiceAccount', name: RIVAL, namespace: NAMESPACE };
  const post = (path: string, body: object) => transport.json({ method: 'POST', path, body, what: `create ${RIVAL}` });
  await post(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: RIVAL } });
  await post(`/apis/${group}/v1/clusterrolebindings`, {
    metadata: { name: RIVAL },
    subjects: [account],
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'cluster-admin' },
  });
}

/** Progress for the user. The figures go to stdout. */
export const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** Sees every object of a resource as it is now and as it becomes, until the signal. */
export function observe(
  transport: Transport,
  resource: Resource,
  signal: AbortSignal,
  see: (object: WatchedObject, isGone: boolean) => void,
): Promise<void> {
  const seen = (object: WatchedObject) => see(object, false);
  const deleted = (object: WatchedObject) => see(object, true);
  const observer = { listStarted() {}, listed: seen, listEnded() {}, changed: seen, deleted };
  const surroundings = { random: () => 0, wait: async () => {} };
  return watch({ resource, transport, observer, surroundings, places: new Places(1), entered: () => {} }, signal);
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

/** Between two values, what lies between them. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const [below = NaN, above = below] = sorted.slice(Math.floor(place));
  return below + (above - below) * (place % 1);
}

/** One measure, in all its runs. */
export interface Row {
  readonly name: string;
  readonly values: readonly number[];
  readonly digits?: number;
  /** Where the same was measured under several conditions: which of them. */
  readonly column?: string;
}

const NAME_WIDTH = 64;

/** Prints a table with the least, the median and the most of each row. */
export function print(title: string, rows: readonly Row[]): void {
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(NAME_WIDTH)} ${cells.map((each) => each.padStart(10)).join('')}`;
  const lines = rows.map(({ name, column, values, digits = 1 }) =>
    line(column === undefined ? name : `${name}: ${column}`, [
      ...[0, 0.5, 1].map((share) => quantile(values, share).toFixed(digits)),
      String(values.length),
    ]),
  );
  process.stdout.write(`${[title, line('', ['least', 'median', 'most', 'runs']), ...lines, ''].join('\n')}\n`);
}
