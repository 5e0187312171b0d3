// Writes of every run fail once on the real API server, before and after they take effect. The exhaustive run tries each of them.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type Fault } from '../faults/proxy.ts';
import { serveIfRouted } from '../gateway.ts';
import { createNamespace, createWebsite, removeWebsite, replaceWebsiteSpec } from '../real-cluster.ts';
import { someOf } from '../sampling.ts';
import { SCENARIOS, type Step } from './scenarios.ts';
import { masked } from './world.ts';
import { RUNS, type RunName } from '../fixtures/runs.ts';
import { SCOPES, readChildren } from '../../functions/website/run/scope.ts';
import { childrenIn } from '../../functions/website/children/kinds.ts';

const FAILURES: Readonly<Record<string, Fault>> = {
  'does not arrive': { drop: 'before' },
  'arrives and is not answered': { drop: 'answer' },
};

let admin: Transport;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());

/** The state after all steps if write number `at` of the functions fails. */
interface Life {
  readonly world: unknown;
  /** Number of the first write after the last step. Another scenario covers the earlier writes. */
  readonly first: number;
  readonly last: number;
}

async function live(steps: readonly Step[], at = 0, fault: Fault = {} as Fault): Promise<Life> {
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  const transport = await connect({ kubeconfig: proxy.kubeconfig });
  let writes = 0;
  proxy.misbehave(({ method }) => (method !== 'GET' && ++writes === at ? fault : undefined));
  const key = { namespace: await createNamespace(admin, 'crash'), name: 'shop' };
  const cluster = kubernetes(transport);
  const deliver = (name: RunName) => reconcile(key, { cluster, now: () => new Date() }, RUNS[name]);
  let exists = false;
  let first = 1;
  for (const step of steps) {
    first = writes + 1;
    const isNew = !exists;
    exists = await take(step, key, exists);
    await deliver(isNew ? 'nothing' : 'as-needed').catch(unlessUnreachable);
    // The event is sent again, also after the controllers have done their part.
    await eventually(async () => {
      await serveIfRouted(admin, key);
      const { outcome } = await deliver('as-needed');
      expect(outcome.kind).toBe(exists ? 'settled' : 'gone');
    });
  }
  const world = await readWorld(key);
  await transport.close();
  await proxy.close();
  return { world, first, last: writes };
}

/** @returns whether the Website exists afterwards. */
async function take(step: Step, key: WebsiteKey, exists: boolean): Promise<boolean> {
  if (!('apply' in step)) await removeWebsite(admin, key);
  else if (exists) await replaceWebsiteSpec(admin, key, step.apply);
  else await createWebsite(admin, key, step.apply);
  return 'apply' in step;
}

function unlessUnreachable(error: unknown): void {
  if (!(error instanceof ClusterError) || error.code !== 'Unreachable') throw error;
}

/** The children and the status that the functions wrote. */
async function readWorld(key: WebsiteKey): Promise<unknown> {
  const cluster = kubernetes(admin);
  const [website, children] = await Promise.all([
    cluster.getWebsite(key),
    readChildren(key, cluster, SCOPES.everything),
  ]);
  const objects = [...(website === undefined ? [] : [website]), ...childrenIn(children)];
  const ours = objects.map((object) =>
    object.kind === 'Website' ? object : { kind: object.kind, metadata: object.metadata, spec: object.spec },
  );
  return JSON.parse(JSON.stringify(masked(ours)).replaceAll(key.namespace, 'NAMESPACE'));
}

const CASES = Object.entries(SCENARIOS).map(([name, steps], shift) => ({ name, steps, shift }));

describe('If any one write fails, the next events lead to the same state', () => {
  it.each(CASES)('when $name', { timeout: 120_000 }, async ({ steps, shift }) => {
    const healthy = await live(steps);
    const writes = Array.from({ length: healthy.last - healthy.first + 1 }, (__, index) => healthy.first + index);
    expect(writes.length).toBeGreaterThan(0);
    const cases = Object.entries(FAILURES).flatMap(([name, fault]) => writes.map((at) => ({ name, fault, at })));
    await Promise.all(
      someOf(cases, { count: 3, shift }).map(async ({ name, fault, at }) => {
        const { world } = await live(steps, at, fault);
        expect(world, `write ${at} of ${healthy.last} ${name}`).toEqual(healthy.world);
      }),
    );
  });
});
