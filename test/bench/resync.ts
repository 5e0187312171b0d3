// The cost of a resync of many Websites that are all as declared, beside the lists that every resync needs.
import { parseArgs } from 'node:util';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { pidOf, startFunctions } from '../program.ts';
import { count } from './flags.ts';
import { measureResync } from './lists.ts';
import { inParallel, progress, repeat, secondsSince } from './measure.ts';
import { print } from './rows.ts';
import { withControlPlane } from './bench-cluster.ts';
import { cpuMs, rssMiB } from './usage.ts';
import { createWebsites, withoutAddress } from './websites.ts';
import type { Desired } from '../../functions/website/children/kind.ts';
import type { Service } from '../../functions/website/children/service.ts';
import { RUNS } from '../fixtures/runs.ts';

/** Makes so many Websites, asks for one resync after another, and prints what they took. */
export async function benchResync(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      websites: { type: 'string' },
      runs: { type: 'string', default: '5' },
      quick: { type: 'boolean', default: false },
    },
  });
  const websites = count('--websites', flags.websites ?? (flags.quick ? '1000' : '10000'));
  const runs = count('--runs', flags.runs);
  await withControlPlane(async ({ transport, kubeconfigs }) => {
    const start = performance.now();
    await makeAll(transport, websites);
    progress(`Made ${websites} Websites in ${secondsSince(start).toFixed(0)} s`);
    const environment = { KUBECONFIG: kubeconfigs['website-functions'], RESYNC_INTERVAL_SECONDS: '0' };
    const functions = startFunctions(environment);
    try {
      const resync = new URL('/resync', String((await functions.line('Listening'))['url']));
      const pid = pidOf(functions);
      const rounds = await repeat(runs, async () => {
        const before = cpuMs(pid);
        const round = await measureResync(transport, resync);
        return { ...round, cpu: cpuMs(pid) - before };
      });
      print(`A resync of ${websites} Websites that are as declared`, [
        { name: 'resync, s', values: rounds.map(({ seconds }) => seconds), digits: 2 },
        { name: 'bare lists, s', values: rounds.map(({ listSeconds }) => listSeconds), digits: 2 },
        { name: 'resync / bare lists', values: rounds.map((each) => each.seconds / each.listSeconds), digits: 2 },
        { name: 'CPU of the functions per Website, ms', values: rounds.map(({ cpu }) => cpu / websites), digits: 3 },
        { name: 'peak RSS of the functions, MiB', values: [rssMiB(pid, 'VmHWM')], digits: 0 },
      ]);
    } finally {
      await functions.stop();
    }
  }, 'off');
}

async function makeAll(transport: Transport, many: number): Promise<void> {
  const cluster = kubernetes(transport);
  // An API server takes ever longer to give out one more cluster address; a resync does not care for them.
  const headless: Cluster = {
    ...cluster,
    create: (child) => cluster.create(child.kind === 'Service' ? withoutAddress(child as Desired<Service>) : child),
  };
  const websites = await createWebsites(transport, many);
  await inParallel(many, async (index) => {
    const website = websites[index];
    if (website !== undefined)
      await reconcile(website.metadata, { cluster: headless, now: () => new Date() }, RUNS.nothing);
  });
}
