// Generated histories of specs on the model of the cluster (Acto): the children match the spec, whatever came before.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { reconcile } from '../../functions/website/reconcile.ts';
import { websiteSpec } from '../../functions/website/resource.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW } from '../fixtures/websites.ts';
import { sampled } from '../sampling.ts';
import { anySpec, brokenSpec, withReplicas, type Spec } from './generated.ts';
import { expectChildren } from './oracle.ts';
import { world } from './world.ts';
import { SCOPES, readChildren } from '../../functions/website/run/scope.ts';

const key = { namespace: 'team-a', name: 'shop' };
const LONGEST = 5;
/** Histories, of three specs on average. */
const EFFORT = sampled({ sometimes: 400, often: 3_400 });

async function follow(cluster: MemoryCluster, spec: Spec): Promise<void> {
  cluster.apply(key, spec);
  await reconcile(key, { cluster, now: () => NOW });
  cluster.rollOut();
  await reconcile(key, { cluster, now: () => NOW });
}

const childrenIn = (cluster: MemoryCluster) => readChildren(key, cluster, SCOPES.everything);

it(
  'After every change of a generated spec, the children match it, and earlier specs leave no trace',
  { timeout: 240_000 },
  async () => {
    let followed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anySpec, { minLength: 1, maxLength: LONGEST }), async (history) => {
        const cluster = new MemoryCluster();
        for (const spec of history) {
          const before = await childrenIn(cluster);
          await follow(cluster, spec);
          followed++;
          const [website] = cluster.websites();
          if (website === undefined) throw new Error('The Website is gone');
          const children = await childrenIn(cluster);
          if (spec['suspend'] === true) expect(withoutStatus(children)).toEqual(withoutStatus(before));
          else expectChildren(spec, website, children);
        }
        const last = withReplicas({ ...history.at(-1), suspend: false });
        await follow(cluster, last);
        const fresh = new MemoryCluster();
        await follow(fresh, last);
        expect(world(cluster)).toEqual(world(fresh));
      }),
      { ...EFFORT, endOnFailure: true },
    );
    expect(followed).toBeGreaterThan(EFFORT.numRuns * 2);
  },
);

/** Without the statuses, because the controllers keep working while a Website is suspended. */
const withoutStatus = (children: Awaited<ReturnType<typeof childrenIn>>) =>
  Object.values(children).map((child) =>
    child === undefined
      ? undefined
      : { ...child, status: undefined, metadata: { ...child.metadata, resourceVersion: '' } },
  );

it('The schema accepts every generated spec and refuses every broken one, which changes no child', async () => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      expect(websiteSpec.safeParse(spec).error).toBeUndefined();
    }),
  );
  await fc.assert(
    fc.asyncProperty(anySpec, brokenSpec, async (good, bad) => {
      expect(websiteSpec.safeParse(bad).success).toBe(false);
      const cluster = new MemoryCluster();
      await follow(cluster, { ...good, suspend: false });
      const before = await childrenIn(cluster);
      // An older CRD may have admitted it.
      cluster.apply(key, bad);
      const { outcome } = await reconcile(key, { cluster, now: () => NOW });
      expect(outcome).toEqual({ kind: 'stalled', reason: 'InvalidSpec' });
      expect(await childrenIn(cluster)).toEqual(before);
    }),
  );
});
