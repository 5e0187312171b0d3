// Random runs, one after the other, for as long as there is time, or what both programs hold: see the usage.
import { isUsageError } from '../bench/flags.ts';
import { memorySoak, recordSoak } from './memory-soak.ts';
import { startOwnCluster } from './own-cluster.ts';
import { randomRun } from './random-run.ts';
import { soakOptionsFrom, USAGE, type SoakOptions } from './soak-options.ts';

/** Long enough for a watch that went silent to be noticed, now and then. */
const SECONDS = [10, 10, 10, 100];

try {
  const options = soakOptionsFrom(process.argv.slice(2));
  if (options === 'help') process.stdout.write(USAGE);
  else await soak(options);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isUsageError(error) ? 2 : 1;
}

async function soak({ minutes, seed, memory, from, record }: SoakOptions): Promise<void> {
  if (memory !== undefined) await memorySoak(memory, { minutes, seed });
  else if (from === undefined) await randomRuns(minutes, seed);
  const path = memory ?? from;
  if (path !== undefined && record !== undefined) recordSoak(path, record);
}

async function randomRuns(minutes: number, first: number): Promise<void> {
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
