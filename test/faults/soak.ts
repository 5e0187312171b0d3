// Random runs, one after the other, for as long as there is time: node test/faults/soak.ts --minutes 10 --seed 1
// With --memory PATH, changes without faults, and what both programs hold: PATH.jsonl has the samples, and PATH.svg the chart.
// --record NAME keeps the samples for docs/performance.md. With --from PATH, it takes those of an earlier run.
import { parseArgs } from 'node:util';
import { memorySoak, recordSoak } from './memory-soak.ts';
import { startOwnCluster } from './own-cluster.ts';
import { randomRun } from './random-run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    memory: { type: 'string' },
    from: { type: 'string' },
    record: { type: 'string' },
  },
});
const minutes = Number(values.minutes ?? 10);
const first = Number(values.seed ?? Date.now() % 2 ** 31);
/** Long enough for a watch that went silent to be noticed, now and then. */
const SECONDS = [10, 10, 10, 100];

try {
  if (values.memory !== undefined) await memorySoak(values.memory, { minutes, seed: first });
  else if (values.from === undefined) await randomRuns();
  const path = values.memory ?? values.from;
  if (path !== undefined && values.record !== undefined) recordSoak(path, values.record);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function randomRuns(): Promise<void> {
  const cluster = await startOwnCluster();
  const deadline = performance.now() + minutes * 60_000;
  try {
    for (let run = 0; performance.now() < deadline; run++) {
      const faults = run % 2 === 0 ? 'honest' : 'lossy';
      const mode = run % 3 === 0 ? 'binary' : 'batched';
      const seconds = Math.min(SECONDS[run % SECONDS.length] ?? 10, (deadline - performance.now()) / 1000);
      const seed = first + run;
      const result = await randomRun(cluster, { seed, seconds, faults, mode });
      process.stdout.write(
        `${JSON.stringify({ seed, kind: faults, mode, seconds: Math.round(seconds), ...result })}\n`,
      );
    }
  } finally {
    await cluster.stop();
  }
}
