// How long the first event waits for functions that were not there: as they are built, and beside it as they are written.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { pidOf, startProgram } from '../program.ts';
import { createNamespace, createWebsite, removeWebsite } from '../real-cluster.ts';
import { count } from './flags.ts';
import { print, type Row } from './rows.ts';
import { repeat, SPEC } from './measure.ts';
import { withControlPlane, type BenchCluster } from './bench-cluster.ts';
import { record } from './records.ts';
import { rssMiB } from './usage.ts';

const BUILDS = {
  bundle: { azure: 'dist/functions/azure.js', node: 'dist/functions/node.js' },
  source: { azure: 'functions/azure.ts', node: 'functions/node.ts' },
} as const;
type Build = keyof typeof BUILDS;
/** Stands in for the host and the worker of Azure Functions. */
const AZURE_WORKER = 'test/hosts/azure-worker.ts';
const EMPTY = 'test/bench/empty-function.mjs';
const ANYBODY_HERE = { HOST: '127.0.0.1', PORT: '0', ALLOW_ANONYMOUS: '1' };

/** Starts each build so many times, in turns, and prints the times. */
export async function benchColdStart(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '11' },
      quick: { type: 'boolean', default: false },
      record: { type: 'string' },
    },
  });
  const runs = flags.quick ? 5 : count('--runs', flags.runs);
  const rounds = await withControlPlane((cluster) =>
    repeat(runs, async () => ({
      bundle: await startOf('bundle', cluster),
      source: await startOf('source', cluster),
      azure: await firstReply(AZURE_WORKER, [BUILDS.bundle.azure], cluster),
      empty: await startOfEmptyFunction(cluster),
    })),
  );
  const rows = (['bundle', 'source'] as const).flatMap((build) =>
    rowsOf(
      build,
      rounds.map((round) => round[build]),
    ),
  );
  rows.push(
    {
      name: 'Azure worker: process start to children and status, ms',
      values: rounds.map(({ azure }) => azure.repliedMs),
    },
    {
      name: 'Azure worker, an empty function: to its first reply, ms',
      values: rounds.map(({ empty }) => empty.repliedMs),
    },
    {
      name: 'Azure worker: ours / an empty function',
      values: rounds.map(({ azure, empty }) => azure.repliedMs / empty.repliedMs),
      digits: 2,
    },
  );
  print('Functions that start, with one Website to make', rows);
  if (flags.record !== undefined) record(flags.record, { rows });
}

interface Start {
  readonly importMs: number;
  readonly listeningMs: number;
  readonly madeMs: number;
  readonly rss: number;
}

const rowsOf = (build: Build, starts: readonly Start[]): Row[] => [
  { name: `${build}: import of the Azure entry point, ms`, values: starts.map(({ importMs }) => importMs) },
  { name: `${build}: process start to listening, ms`, values: starts.map(({ listeningMs }) => listeningMs) },
  { name: `${build}: process start to children and status, ms`, values: starts.map(({ madeMs }) => madeMs) },
  { name: `${build}: RSS after it, MiB`, values: starts.map(({ rss }) => rss) },
];

type Access = Pick<BenchCluster, 'transport' | 'kubeconfigs'>;

/** Starts a build of the functions once. */
export async function startOf(build: Build, cluster: Access): Promise<Start> {
  const { azure, node } = BUILDS[build];
  const importMs = await importTime(resolve(azure));
  const { listeningMs, repliedMs, rss } = await firstReply(node, [], cluster);
  return { importMs, listeningMs, madeMs: repliedMs, rss };
}

export const startOfEmptyFunction = (cluster: Access) => firstReply(AZURE_WORKER, [EMPTY], cluster);

/** Starts a host with one Website to make, and sends its event at once. */
async function firstReply(file: string, args: readonly string[], { transport, kubeconfigs }: Access) {
  const key = { namespace: await createNamespace(transport, 'cold'), name: 'shop' };
  await createWebsite(transport, key, SPEC);
  const start = performance.now();
  const host = startProgram(file, args, { ...ANYBODY_HERE, KUBECONFIG: kubeconfigs['website-functions'] });
  try {
    const url = String((await host.line('Listening'))['url']);
    const listeningMs = performance.now() - start;
    const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'x', reason: 'first-seen' };
    const event = { id: '1', specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed', data };
    const headers = { 'content-type': 'application/cloudevents+json' };
    const { status } = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) });
    if (status !== 204) throw new Error(`The functions answered ${status}`);
    return { listeningMs, repliedMs: performance.now() - start, rss: rssMiB(pidOf(host), 'VmRSS') };
  } finally {
    await host.stop();
    await removeWebsite(transport, key);
  }
}

/** In a process of its own, as the worker of Azure Functions imports it; the start of Node is not counted. */
async function importTime(file: string): Promise<number> {
  const code = `const start = performance.now();
    await import(${JSON.stringify(file)});
    console.log('TIME', performance.now() - start);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
  return Number(/TIME ([\d.]+)/.exec(stdout)?.[1]);
}
