// How long deliveries pause after the leading forwarder has ended: from its end to the first event of its successor.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { eventually } from '../eventually.ts';
import { imageIn } from '../image.ts';
import { startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { count } from './flags.ts';
import { PATIENCE, repeat, SPEC } from './measure.ts';
import { print } from './rows.ts';
import { withControlPlane, type BenchCluster } from './bench-cluster.ts';
import { record } from './records.ts';

/** Kills, and asks to stop, each so many times, and prints the gaps. */
export async function benchFailover(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '10' },
      quick: { type: 'boolean', default: false },
      record: { type: 'string' },
    },
  });
  const runs = flags.quick ? 3 : count('--runs', flags.runs);
  const rows = await withControlPlane(async (cluster) => [
    {
      name: 'from killing the leader to the next event, ms',
      values: await repeat(runs, () => gapAfter('SIGKILL', cluster)),
      digits: 0,
    },
    {
      name: 'from asking the leader to stop to the next event, ms',
      values: await repeat(runs, () => gapAfter('SIGTERM', cluster)),
      digits: 0,
    },
  ]);
  print('Two forwarders with a Lease', rows);
  if (flags.record !== undefined) record(flags.record, { rows });
}

/** From the signal to the leader until its standby has sent an event, in milliseconds. */
export async function gapAfter(
  signal: 'SIGKILL' | 'SIGTERM',
  { transport, kubeconfigs }: Pick<BenchCluster, 'transport' | 'kubeconfigs'>,
): Promise<number> {
  let receive: () => void = () => {};
  const sink = createServer((request, response) => {
    request.resume();
    response.writeHead(204).end();
    if (request.headers['ce-name'] === 'after') receive();
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
  const namespace = await createNamespace(transport, 'failover');
  const start = () => startForwarder(url, kubeconfigs['website-forwarder'], namespace);
  const leader = start();
  try {
    await leader.line('Leading');
    const standby = start();
    try {
      await standby.line('Standing by');
      await isReady(leader);
      const received = new Promise<void>((resolve) => (receive = resolve));
      const began = performance.now();
      leader.process.kill(signal);
      await createWebsite(transport, { namespace, name: 'after' }, SPEC);
      await received;
      return performance.now() - began;
    } finally {
      await standby.stop();
    }
  } finally {
    await leader.stop();
    sink.close();
    sink.closeAllConnections();
    await removeWebsitesIn(transport, namespace);
  }
}

function startForwarder(sink: string, kubeconfig: string, namespace: string): Program {
  const { command, variables } = imageIn('forwarder', 'dist/forwarder');
  const [first = '', ...rest] = command;
  const flags = { sink, kubeconfig, namespaces: namespace, lease: namespace, host: '127.0.0.1', port: 0 };
  return startProgram(
    first,
    [...rest, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
    variables,
  );
}

async function isReady(forwarder: Program): Promise<void> {
  const readyz = new URL('readyz', String((await forwarder.line('Listening'))['url']));
  await eventually(async () => {
    if ((await fetch(readyz)).status !== 200) throw new Error('It is not ready');
  }, PATIENCE);
}
