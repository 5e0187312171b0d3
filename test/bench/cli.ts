// The program `website`: how soon it shows something of a real control plane, and what a plan of very many Websites takes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFleetServer } from '../fixtures/fleet-server.ts';
import { count } from './flags.ts';
import { print } from './rows.ts';
import { progress, repeat, secondsSince } from './measure.ts';
import { withControlPlane } from './bench-cluster.ts';
import { rssMiB } from './usage.ts';
import { createWebsites, settle } from './websites.ts';

const LISTED = 1_001;
const BIG_PLAN = 10_000;
/** As long as the program lives, its peak so far. */
const LOOK_MS = 20;

export async function benchCli(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      websites: { type: 'string' },
      runs: { type: 'string', default: '11' },
      quick: { type: 'boolean', default: false },
    },
  });
  const planned = count('--websites', flags.websites ?? (flags.quick ? '1000' : String(BIG_PLAN)));
  const runs = flags.quick ? 5 : count('--runs', flags.runs);
  const folder = mkdtempSync(join(tmpdir(), 'website-bench-'));
  const kubeconfig = join(folder, 'kubeconfig');
  try {
    await withControlPlane(async ({ transport, kubeconfigs }) => {
      await settle(transport, await createWebsites(transport, LISTED));
      const at = { KUBECONFIG: kubeconfigs['website-functions'] };
      const listing = await repeat(runs, () => measured(['list', '-A'], at));
      const helping = await repeat(runs, () => measured(['--help'], at));
      print(`The program website, with ${LISTED} Websites`, [
        { name: 'list -A to its first output, ms', values: listing.map(({ firstMs }) => firstMs) },
        { name: 'list -A, ms', values: listing.map(({ ms }) => ms) },
        { name: '--help, ms', values: helping.map(({ ms }) => ms) },
      ]);
    });
    const server = await startFleetServer(planned);
    writeFileSync(kubeconfig, server.kubeconfig);
    progress(`Planning ${planned} Websites`);
    const plans = await repeat(flags.quick ? 1 : 3, () => measured(['plan', '--all'], { KUBECONFIG: kubeconfig }));
    server.close();
    print(`plan --all over ${planned} Websites that are as declared`, [
      { name: 'peak RSS, MiB', values: plans.map(({ rss }) => rss) },
      { name: 'plan --all, ms', values: plans.map(({ ms }) => ms) },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measured(args: readonly string[], variables: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'], ...variables };
  const start = performance.now();
  const child = spawn(process.execPath, ['dist/cli/website.mjs', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let firstMs = 0;
  let rss = 0;
  const looking = setInterval(() => (rss = Math.max(rss, peakOf(child.pid))), LOOK_MS);
  child.stdout.on('data', () => (firstMs ||= secondsSince(start) * 1000));
  const [code] = (await once(child, 'close')) as [number];
  clearInterval(looking);
  if (code !== 0) throw new Error(`website ${args.join(' ')} ended with ${code}`);
  return { firstMs, ms: secondsSince(start) * 1000, rss };
}

/** 0 if it has just ended. */
function peakOf(pid: number | undefined): number {
  try {
    return pid === undefined ? 0 : rssMiB(pid, 'VmHWM');
  } catch {
    return 0;
  }
}
