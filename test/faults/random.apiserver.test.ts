import { expect, inject, it } from 'vitest';
import { randomRun, type RandomRun } from './random-run.ts';

const seed = Math.floor(Math.random() * 2 ** 31);

it.each<RandomRun>([
  { seed: 1, seconds: 6, faults: 'honest', mode: 'binary' },
  { seed: 2, seconds: 6, faults: 'lossy', mode: 'batched' },
  { seed, seconds: 6, faults: 'honest', mode: 'batched' },
])(
  'P5: the forwarder delivers the last state of every Website, in order, despite random faults (seed $seed, $faults, $mode)',
  // A failing run waits for missing events until its deadline, and then prints its history.
  { timeout: 180_000 },
  async (run) => {
    const access = { kubeconfig: inject('kubeconfig'), forwarderKubeconfig: inject('forwarderKubeconfig') };
    const result = await randomRun(access, run);
    process.stderr.write(`${JSON.stringify(result)}\n`);
    // Enough happened in the run.
    expect(result.websites).toBeGreaterThan(20);
    expect(result.faults).toBeGreaterThan(20);
  },
);
