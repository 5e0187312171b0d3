// What both programs hold over hours of changes: a sample every ten seconds, with quiet times in between.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.ts';
import { pidOf, startForwarder, startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite, patchWebsite, removeWebsite } from '../real-cluster.ts';
import { thisMachine } from '../bench/machine.ts';
import { print } from '../bench/rows.ts';
import { keep, type Measurement } from '../bench/records.ts';
import { rssMiB } from '../bench/usage.ts';
import { memoryChart } from './memory-chart.ts';
import { memoryRows, thinned, type Sample } from './memory-samples.ts';
import { startOwnCluster } from './own-cluster.ts';
import { randomFrom, upTo } from './random.ts';

const WEBSITES = 1_000;
const CREATES_AT_ONCE = 16;
const SAMPLE_MS = 10_000;
/** Changes, a resync, and then nothing for a while: memory that is not returned shows in the quiet times. */
const CYCLE = { changesMs: 480_000, quietMs: 120_000 };
/** Between two changes. */
const PACE_MS = 200;
/** The share of changes that delete a Website. The next change of that name creates it again. */
const DELETING = 0.1;
/** Without Pods, so that all of them are settled in the quiet times. */
const SPEC = { image: 'nginx:1', replicas: 0 };

/**
 * @param path of the files to write, without an extension: `.jsonl` for how it was measured and then the samples, `.svg` for the
 * chart.
 */
export async function memorySoak(path: string, { minutes, seed }: { minutes: number; seed: number }): Promise<void> {
  const cluster = await startOwnCluster();
  const { admin, forwarderKubeconfig, functionsKubeconfig } = cluster;
  const random = randomFrom(seed);
  const namespace = await createNamespace(admin, 'soak');
  const functions = startFunctions({ KUBECONFIG: functionsKubeconfig, RESYNC_INTERVAL_SECONDS: '0' });
  const sink = await listeningAt(functions);
  const forwarder = startForwarder(['--mode', 'batched', '--host', '127.0.0.1', '--port', '0'], {
    KUBECONFIG: forwarderKubeconfig,
    SINK: sink.href,
  });
  const names = Array.from({ length: WEBSITES }, (_, index) => `site-${index}`);
  const missing = new Set<string>();
  let changes = 0;
  let isQuiet = false;
  const began = performance.now();
  const command = `npm run test:soak -- --memory PATH --minutes ${minutes} --seed ${seed}`;
  writeFileSync(`${path}.jsonl`, `${JSON.stringify({ machine: thisMachine(), command } satisfies Measurement)}\n`);
  const sampling = setInterval(() => {
    const sample: Sample = {
      minutes: (performance.now() - began) / 60_000,
      isQuiet,
      forwarder: rssMiB(pidOf(forwarder), 'VmRSS'),
      functions: rssMiB(pidOf(functions), 'VmRSS'),
    };
    appendFileSync(`${path}.jsonl`, `${JSON.stringify(sample)}\n`);
  }, SAMPLE_MS);

  async function change(): Promise<void> {
    const name = names[upTo(random, names.length)] ?? '';
    const key = { namespace, name };
    changes++;
    if (missing.delete(name)) await createWebsite(admin, key, SPEC);
    else if (random() < DELETING) await removeWebsite(admin, key).then(() => missing.add(name));
    else await patchWebsite(admin, key, { spec: { image: `nginx:${changes}` } });
  }

  try {
    const left = [...names];
    const create = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop())
        await createWebsite(admin, { namespace, name }, SPEC);
    };
    await Promise.all(Array.from({ length: CREATES_AT_ONCE }, create));
    const until = performance.now() + minutes * 60_000;
    while (performance.now() < until) {
      const quietFrom = Math.min(until, performance.now() + CYCLE.changesMs);
      while (performance.now() < quietFrom) await Promise.all([change(), delay(PACE_MS)]);
      await eventually(() => resync(sink), { deadlineMs: 300_000 });
      isQuiet = true;
      await delay(CYCLE.quietMs);
      isQuiet = false;
    }
  } finally {
    clearInterval(sampling);
    await forwarder.stop();
    await functions.stop();
    await cluster.stop();
  }
  const { samples = [] } = soakIn(path);
  writeFileSync(`${path}.svg`, memoryChart(samples));
  print(command, memoryRows(samples));
}

/** Keeps what a soak has written to its files, for docs/performance.md. */
export const recordSoak = (path: string, name: string): void => keep(name, soakIn(path));

function soakIn(path: string): Measurement {
  const [head = '', ...lines] = readFileSync(`${path}.jsonl`, 'utf8').trimEnd().split('\n');
  const samples = thinned(lines.map((line) => JSON.parse(line) as Sample));
  return { ...(JSON.parse(head) as Measurement), samples };
}

async function listeningAt(program: Program): Promise<URL> {
  return new URL(String((await program.line('Listening'))['url']));
}

async function resync(sink: URL): Promise<void> {
  const { status } = await fetch(new URL('/resync', sink), { method: 'POST' });
  if (status !== 204) throw new Error(`The resync answered ${status}`);
}
