// Generated histories of specs on the real API server (Acto): the children match each spec, and earlier specs leave no trace.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { serveIfRouted } from '../gateway.ts';
import { createNamespace, createWebsite, removeWebsitesIn, replaceWebsiteSpec } from '../real-cluster.ts';
import { sampled } from '../sampling.ts';
import { anySpec, refusedSpec, withReplicas, type Spec } from './generated.ts';
import { expectChildren } from './oracle.ts';
import { masked } from './world.ts';
import { SCOPES, readChildren } from '../../functions/website/run/scope.ts';

const LENGTH = 5;
const AT_ONCE = 6;
/** Number of histories for each of the parallel lanes. */
const EFFORT = sampled({ sometimes: 3, often: 10 });
/** Few replicas, because the controllers create every Pod. */
const fewPods: fc.Arbitrary<Spec> = anySpec.map((spec) => ({
  ...spec,
  ...(spec['replicas'] === undefined ? {} : { replicas: Number(spec['replicas']) % 3 }),
  ...(spec['autoscaling'] === undefined ? {} : { autoscaling: fewer(spec['autoscaling'] as Record<string, number>) }),
}));

const fewer = ({ minReplicas, maxReplicas, ...rest }: Readonly<Record<string, number | undefined>>) => ({
  ...rest,
  ...(minReplicas === undefined ? {} : { minReplicas: 1 + (minReplicas % 2) }),
  ...(maxReplicas === undefined ? {} : { maxReplicas: 2 + (maxReplicas % 2) }),
});

let admin: Transport;
let transport: Transport;
let cluster: Cluster;
let namespace: string;
let names = 0;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  transport = await connect({ kubeconfig: inject('functionsKubeconfig') });
  cluster = kubernetes(transport);
  namespace = await createNamespace(admin, 'generated');
});
afterAll(async () => {
  await removeWebsitesIn(admin, namespace);
  await Promise.all([admin.close(), transport.close()]);
});

const nextKey = (): WebsiteKey => ({ namespace, name: `site-${++names}` });

const childrenOf = (key: WebsiteKey) => readChildren(key, cluster, SCOPES.everything);

/** @returns false if the API server refuses a child, which the Website then reports. */
async function follow(key: WebsiteKey): Promise<boolean> {
  // The Deployment controller writes as well, and may win every race of a run. Then the event is sent again.
  const run = () => eventually(() => reconcile(key, { cluster, now: () => new Date() }));
  const first = await run();
  // An Ingress is deleted once the Gateway that replaces it serves the site.
  const { outcome } = (await serveIfRouted(admin, key)) ? await run() : first;
  const website = await cluster.getWebsite(key);
  expect(website?.status?.observedGeneration).toBe(website?.metadata.generation);
  const ready = website?.status?.conditions?.find(({ type }) => type === 'Ready');
  if (outcome.kind !== 'stalled') return true;
  expect(ready).toMatchObject({
    status: 'False',
    reason: 'Rejected',
    message: expect.stringContaining('Could not') as string,
  });
  return false;
}

/** The children of a Website without its name, so that two Websites can be compared. */
const compared = async (key: WebsiteKey): Promise<unknown> => {
  const children = Object.values(await childrenOf(key)).filter((child) => child !== undefined);
  const isAutoscaled = children.some(({ kind }) => kind === 'HorizontalPodAutoscaler');
  const ours = children.map(({ kind, metadata, spec }) => ({
    kind,
    metadata,
    // An autoscaler starts from the present number of replicas.
    spec: kind === 'Deployment' && isAutoscaled ? { ...spec, replicas: 'as the autoscaler likes' } : spec,
  }));
  return JSON.parse(JSON.stringify(masked(ours)).replaceAll(key.name, 'SITE'));
};

it(
  'After every change of a generated spec, the children match it, and earlier specs leave no trace',
  { timeout: 300_000 },
  async () => {
    const taken = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, lane) => followHistories({ ...EFFORT, seed: EFFORT.seed + lane })),
    );
    expect(taken.reduce((sum, each) => sum + each)).toBeGreaterThan((EFFORT.numRuns * AT_ONCE * LENGTH) / 2);
  },
);

/** @returns how many specs the API server accepted. */
async function followHistories(effort: typeof EFFORT): Promise<number> {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fewPods, { minLength: LENGTH, maxLength: LENGTH }), async (history) => {
      const key = nextKey();
      for (const [index, spec] of history.entries()) {
        const before = await childrenOf(key);
        await (index === 0 ? createWebsite(admin, key, spec) : replaceWebsiteSpec(admin, key, spec));
        const isTaken = await follow(key);
        if (isTaken) taken++;
        const website = await cluster.getWebsite(key);
        if (website === undefined) throw new Error('The Website is gone');
        const children = await childrenOf(key);
        if (spec['suspend'] === true) expect(generations(children)).toEqual(generations(before));
        else if (isTaken) expectChildren(spec, website, children);
      }
      await expectNoTrace(key, withReplicas({ ...history.at(-1), suspend: false }));
    }),
    { ...effort, endOnFailure: true },
  );
  return taken;
}

/** The uid and generation of each child, which change with every write except that of a status. */
const generations = (children: Awaited<ReturnType<typeof childrenOf>>) =>
  Object.values(children).map((child) => [child?.metadata.uid, child?.metadata.generation]);

async function expectNoTrace(key: WebsiteKey, last: Spec): Promise<void> {
  await replaceWebsiteSpec(admin, key, last);
  const fresh = nextKey();
  await createWebsite(admin, fresh, last);
  // Children that the API server refuses stay unchanged.
  if ((await follow(key)) && (await follow(fresh))) expect(await compared(key)).toEqual(await compared(fresh));
}

it('The API server refuses every generated broken spec', async () => {
  await fc.assert(
    fc.asyncProperty(refusedSpec, async (spec) => {
      await expect(createWebsite(admin, nextKey(), spec)).rejects.toMatchObject({ code: 'Invalid' });
    }),
    { numRuns: 100, endOnFailure: true },
  );
});
