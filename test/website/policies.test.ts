// Policies that change each write, on the model of the cluster. After generated histories, the children match the spec, beside the policy's own fields.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { reconcile } from '../../functions/website/reconcile.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW } from '../fixtures/websites.ts';
import { sampled } from '../sampling.ts';
import { anySpec, type Spec } from './generated.ts';
import { expectChildren } from './oracle.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import type { Child } from '../../functions/website/children/kinds.ts';
import { SCOPES, readChildren } from '../../functions/website/run/scope.ts';
import type { Children } from '../../functions/website/children/kinds.ts';

const key = { namespace: 'team-a', name: 'shop' };
/** Histories of up to four specs. */
const EFFORT = sampled({ sometimes: 25, often: 250 });

type Container = NonNullable<Deployment['spec']['template']['spec']>['containers'][number];

/** How a policy changes our container, and how to undo that. */
interface Policy {
  readonly does: (container: Container) => Container;
  readonly undone: (container: Container) => Container;
}

const others = <T extends { name: string }>(items: readonly T[] | undefined) =>
  (items ?? []).filter(({ name }) => name !== 'policy');

const POLICIES: Readonly<Record<string, Policy>> = {
  'always pulls': { does: (each) => ({ ...each, imagePullPolicy: 'Always' }), undone: (each) => each },
  'probes less often': {
    does: (each) => ({ ...each, readinessProbe: { ...each.readinessProbe, periodSeconds: 30 } }),
    undone: (each) => each,
  },
  'adds a variable before ours': {
    does: (each) => ({ ...each, env: [{ name: 'policy', value: '1' }, ...others(each.env)] }),
    undone: (each) => ({ ...each, env: others(each.env) }),
  },
  'adds a variable behind ours': {
    does: (each) => ({ ...each, env: [...others(each.env), { name: 'policy', value: '1' }] }),
    undone: (each) => ({ ...each, env: others(each.env) }),
  },
  'sets a limit': {
    does: (each) => ({ ...each, resources: { ...each.resources, limits: { ...each.resources?.limits, policy: '1' } } }),
    undone: (each) => {
      const { policy: _, ...limits } = each.resources?.limits ?? {};
      return { ...each, resources: { ...each.resources, limits } };
    },
  },
  'sets a security context': {
    does: (each) => ({ ...each, securityContext: { ...each.securityContext, readOnlyRootFilesystem: true } }),
    undone: (each) => each,
  },
};

function changed(child: Child, change: Policy['does']): Child {
  if (child.kind !== 'Deployment') return child;
  const { template } = child.spec;
  const containers = (template.spec?.containers ?? []).map(change);
  return { ...child, spec: { ...child.spec, template: { ...template, spec: { ...template.spec, containers } } } };
}

const run = (cluster: MemoryCluster) => reconcile(key, { cluster, now: () => NOW });

async function childrenIn(cluster: MemoryCluster, { undone }: Policy): Promise<Children> {
  const children = await readChildren(key, cluster, SCOPES.everything);
  const { Deployment: deployment } = children;
  return { ...children, Deployment: deployment && (changed(deployment, undone) as Deployment) };
}

it.each(Object.entries(POLICIES))(
  'With a policy that %s, the children match every generated spec, the Website is settled, and no child is written again',
  async (_, policy) => {
    const awake = anySpec.map((spec): Spec => ({ ...spec, suspend: false }));
    await fc.assert(
      fc.asyncProperty(fc.array(awake, { minLength: 1, maxLength: 4 }), async (history) => {
        const cluster = new MemoryCluster();
        cluster.admit = (child) => changed(child, policy.does);
        for (const spec of history) {
          cluster.apply(key, spec);
          await run(cluster);
          cluster.rollOut();
          expect((await run(cluster)).outcome.kind).toBe('settled');
          const [website] = cluster.websites();
          if (website === undefined) throw new Error('The Website is gone');
          expectChildren(spec, website, await childrenIn(cluster, policy));
          expect((await run(cluster)).actions).toEqual([]);
        }
      }),
      EFFORT,
    );
  },
);

it('A policy that changes the image is reported after one write for each spec', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anySpec, { minLength: 1, maxLength: 4 }), async (history) => {
      const cluster = new MemoryCluster();
      cluster.admit = (child) => changed(child, (each) => ({ ...each, image: `mirror/${each.image}` }));
      for (const spec of history) {
        cluster.apply(key, { ...spec, suspend: false });
        await run(cluster);
        cluster.rollOut();
        expect((await run(cluster)).outcome).toEqual({ kind: 'stalled', reason: 'Overridden' });
        expect((await run(cluster)).actions).toEqual([]);
        const [deployment] = cluster.children() as Deployment[];
        expect(deployment?.spec.template.spec?.containers[0]?.image).toBe(`mirror/${String(spec['image'])}`);
      }
    }),
    EFFORT,
  );
});
