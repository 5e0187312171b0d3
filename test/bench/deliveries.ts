// How fast a forwarder passes changes on: many at once, and one at a time.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../eventually.ts';
import { startProgram } from '../program.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import { PARALLEL, withForwarder, type ForwarderOptions } from './forwarder-program.ts';
import { pidOf } from '../program.ts';
import { ask, PATIENCE, repeat, SPEC } from './measure.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { cpuMs } from './usage.ts';

const SINGLES = 200;

/** A null sink for the work, in a process of its own. */
export async function withNullSink<T>(work: (url: string) => Promise<T>): Promise<T> {
  const sink = startProgram('test/bench/null-sink.ts');
  try {
    return await work(String((await sink.line('Listening'))['url']));
  } finally {
    await sink.stop();
  }
}

export interface Deliveries {
  readonly perSecond: number;
  readonly cpuMsPerEvent: number;
  readonly queuedRssMiB: number;
}

/** Starts a forwarder over Websites without a status, so that each leads to an event, and releases all events at once. */
export async function deliverAll(options: ForwarderOptions, count: number): Promise<Deliveries> {
  await ask(new URL('hold', options.sink), 'PUT');
  return withForwarder(options, async ({ program, rssMiB: queuedRssMiB }) => {
    await seenBy(options.sink, ({ held }) => held === PARALLEL);
    const before = cpuMs(pidOf(program));
    await ask(new URL('release', options.sink), 'PUT');
    const { ms } = await seenBy(options.sink, ({ accepted }) => accepted >= count);
    const cpuMsPerEvent = (cpuMs(pidOf(program)) - before) / count;
    return { perSecond: (count / ms) * 1000, cpuMsPerEvent, queuedRssMiB };
  });
}

interface Seen {
  readonly accepted: number;
  /** From the release to the last event. */
  readonly ms: number;
  readonly held: number;
}

const seenBy = (sink: string, isThere: (seen: Seen) => boolean): Promise<Seen> =>
  eventually(
    async () => {
      const seen = JSON.parse((await ask(new URL('seen', sink))).text) as Seen;
      if (!isThere(seen)) throw new Error(`The sink has seen ${JSON.stringify(seen)}`);
      return seen;
    },
    { ...PATIENCE, everyMs: 25 },
  );

/** From the moment a Website is written to its event at a sink in this very process, one at a time; a list for each run. */
export async function measureLatencies({ transport, kubeconfigs }: BenchCluster, runs: number): Promise<number[][]> {
  const arrivals = new Map<string, number>();
  const server = createServer((request, response) => {
    const { 'ce-namespace': namespace, 'ce-name': name } = request.headers;
    // The resync at the start names no Website.
    arrivals.set(name === undefined ? 'resync' : `${String(namespace)}/${String(name)}`, performance.now());
    request.resume();
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sink = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const arrival = (key: string) =>
    eventually(
      () => {
        const time = arrivals.get(key);
        if (time === undefined) throw new Error(`There is no event of ${key}`);
        return time;
      },
      { ...PATIENCE, everyMs: 1 },
    );
  const measureOne = async (namespace: string, name: string) => {
    const start = performance.now();
    await createWebsite(transport, { namespace, name }, SPEC);
    return (await arrival(`${namespace}/${name}`)) - start;
  };
  const kubeconfig = kubeconfigs['website-forwarder'];
  const latencies = withForwarder({ kubeconfig, sink }, async () => {
    await arrival('resync');
    return repeat(runs, async () => {
      const namespace = await createNamespace(transport, 'single');
      return repeat(SINGLES, (index) => measureOne(namespace, `single-${index}`));
    });
  });
  return latencies.finally(() => server.close());
}
