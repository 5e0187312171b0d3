// What `npm test` runs: every test, in two lanes side by side. The tests of the hosts and of the whole system act on every Website
// there is, so they have a control plane of their own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { PROGRAMS, TOOLS } from '../infra/local/binaries/versions.ts';
import { found } from './found.ts';
import { seedOf } from './seed.ts';
import { countsIn, isFailure, summary, total, type Counts } from './summary.ts';

/** Runs of vitest, one after the other in each lane. Only the unit tests measure coverage, because that takes a tenth more CPU time. */
const LANES: readonly (readonly (readonly string[])[])[] = [
  [
    ['--coverage', '--project', 'unit'],
    ['--project', 'alone', '--project', 'programs', '--project', 'apiserver'],
  ],
  // They wait more than they work, one after another, so this lane takes as long as the other.
  [['--project', 'hosts', '--project', 'e2e']],
];

// All runs have the same one, and none of them builds what another builds as well.
seedOf(process.env);
// The runs end with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
// With the default of 100, kube-apiserver spends a twelfth more CPU time.
process.env['GOGC'] ??= '400';
// Node keeps the compiled code of the many programs that tests start. A bundle then starts with a third less CPU time, a source with half.
process.env['NODE_COMPILE_CACHE'] ??= resolve('node_modules/.cache/compiled');
await found([...PROGRAMS, ...TOOLS]);
/** The line of each failed test. They are printed last, because the output is long and the lanes mix theirs. */
const failures: string[] = [];
const all = await Promise.all(LANES.map(inTurn));
process.stdout.write(`\n${[...failures, summary(total(all.flat()))].join('\n')}\n`);

async function inTurn(runs: (typeof LANES)[number]): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const args of runs) counts.push(await vitest(args));
  return counts;
}

/** Passes on what vitest prints, except its lines for {@link failures} and the counts. A run that fails without a failed test counts as one. */
async function vitest(args: readonly string[]): Promise<Counts> {
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args], {
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill());
  let counts: Counts | undefined;
  createInterface(child.stdout).on('line', (line) => {
    const last = countsIn(line);
    if (last !== undefined) counts = last;
    else if (isFailure(line)) failures.push(line);
    else process.stdout.write(`${line}\n`);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0 && counts !== undefined) return counts;
  process.exitCode = 1;
  const { passed = 0, failed = 0, skipped = 0 } = counts ?? {};
  return { passed, failed: Math.max(failed, 1), skipped };
}
