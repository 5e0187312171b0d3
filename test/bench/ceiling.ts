// What the control plane can take: the same writes by a load generator, with no controller at all.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import { IN_FLIGHT, inParallel, SPEC } from './measure.ts';
import { withControlPlane } from './bench-cluster.ts';
import type { PhaseResult } from './result.ts';
import { buildCeiling } from './rivals.ts';
import { withTracker } from './watches.ts';

const WARM_UP = 64;

/** `ceiling`: for Websites that are there. `ceiling, watched`: it makes them too, and they are watched as a subject's are. */
export async function measureCeilings(websites: number): Promise<PhaseResult[]> {
  const program = await buildCeiling();
  if (program === undefined) return [];
  const run = async (kubeconfig: string, ...flags: string[]) => {
    const args = ['-concurrency', String(IN_FLIGHT), ...flags];
    const { stdout } = await promisify(execFile)(program, args, { env: { KUBECONFIG: kubeconfig } });
    return JSON.parse(stdout) as { readonly perSecond: number; readonly failed: number };
  };
  const bare = await withControlPlane(async ({ transport, rival }) => {
    const namespace = await createNamespace(transport, 'ceiling');
    await inParallel(websites, (index) => createWebsite(transport, { namespace, name: `site-${index}` }, SPEC));
    return run(rival);
  }, 'off');
  const watched = await withControlPlane(
    (cluster) =>
      withTracker(cluster, async () => {
        const create = async (count: number) => {
          const namespace = await createNamespace(cluster.transport, 'ceiling');
          return run(cluster.rival, '-create', String(count), '-namespace', namespace);
        };
        await create(WARM_UP);
        return create(websites);
      }),
    'off',
  );
  return [resultOf('ceiling', bare, websites), resultOf('ceiling, watched', watched, websites)];
}

const resultOf = (
  subject: string,
  { perSecond, failed }: { readonly perSecond: number; readonly failed: number },
  count: number,
): PhaseResult => ({
  subject,
  phase: 'create',
  count,
  unmet: failed,
  perSecond,
  latencyMs: {},
  cpuMs: {},
  rssMiB: {},
  peakRssMiB: {},
  elapsedMs: (count / perSecond) * 1000,
  requests: {},
  writes: 3 * count,
  figures: {},
});
