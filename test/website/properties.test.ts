import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { isOwnedBy } from '../../functions/website/plan/ownership.ts';
import { decide } from '../../functions/website/run/decide.ts';
import { reconcile, type Context } from '../../functions/website/reconcile.ts';
import type { Website, WebsiteKey } from '../../functions/website/resource.ts';
import { resyncWebsites } from '../../functions/resync-websites.ts';
import { around, callText } from '../cluster/around.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW } from '../fixtures/websites.ts';
import { world } from './world.ts';
import { GENERATION, STATED } from '../../functions/website/children/metadata.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { RUNS } from '../fixtures/runs.ts';
import { SCOPES, readChildren } from '../../functions/website/run/scope.ts';
import { CHILD_KINDS, isChildKind, isOptional, type ChildKind } from '../../functions/website/children/kinds.ts';
import { childName } from '../../functions/website/children/metadata.ts';
import type { Run } from '../../functions/website/run/run.ts';
import { sampled } from '../sampling.ts';

const keys: readonly WebsiteKey[] = ['shop', 'blog'].map((name) => ({ namespace: 'team-a', name }));
const key = fc.constantFrom(...keys);

const spec = fc.record(
  {
    image: fc.constantFrom('nginx:1', 'nginx:2', 'nginx'),
    replicas: fc.integer({ min: 0, max: 3 }),
    port: fc.constantFrom(80, 8080),
    env: fc.constantFrom(
      [],
      [{ name: 'A', value: '1' }],
      [
        { name: 'A', value: '' },
        { name: 'B', value: '2' },
      ],
    ),
    host: fc.constantFrom('a.example.com', 'b.example.com'),
    resources: fc.constantFrom({ limits: { cpu: '1000m' } }, { requests: { memory: '1Gi' } }),
    securityProfile: fc.constantFrom('baseline', 'restricted'),
    disruptionBudget: fc.constantFrom('Auto', 'None'),
    // With `external`, another program scales it. `replicas` is stated, because otherwise the first number depends on the history.
    autoscaling: fc.constantFrom({ maxReplicas: 3 }, { minReplicas: 2, maxReplicas: 4 }, { external: true }),
  },
  { requiredKeys: ['image', 'replicas'] },
);

/** The same, without replicas if they are optional. */
const open = fc.tuple(spec, fc.boolean()).map(([{ replicas, ...rest }, isStated]) => ({
  ...rest,
  ...(isStated || rest.autoscaling === undefined ? { replicas } : {}),
}));

/** Changes by users and third parties. */
type Change =
  | { readonly do: 'apply'; readonly key: WebsiteKey; readonly spec: object }
  | { readonly do: 'delete'; readonly key: WebsiteKey }
  | { readonly do: 'drop child'; readonly key: WebsiteKey; readonly kind: ChildKind };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ do: fc.constant('apply' as const), key, spec }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({
    do: fc.constant('drop child' as const),
    key,
    kind: fc.constantFrom(...CHILD_KINDS),
  }),
);

function make(cluster: MemoryCluster, { key: where, ...what }: Change): void {
  if (what.do === 'apply') cluster.apply(where, what.spec);
  else if (what.do === 'delete') cluster.remove('Website', where);
  else cluster.remove(what.kind, { ...where, name: childName(what.kind, where.name) });
}

const contextOf = (cluster: Cluster): Context => ({ cluster, now: () => NOW });
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const resync = (cluster: Cluster) =>
  resyncWebsites({
    ...contextOf(cluster),
    log: quiet,
    resyncPlace: { last: undefined },
  });

async function settle(cluster: MemoryCluster): Promise<void> {
  await resync(cluster);
  cluster.rollOut();
  await resync(cluster);
}

describe('P9: events commute', () => {
  it('after any order, loss and duplication of events, one resync leads to the same state as without any event', async () => {
    const step = fc.oneof(
      change.map((made) => ({ change: made })),
      fc.record({
        event: key,
        run: fc.constantFrom(...Object.values<Run>(RUNS)),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (history) => {
        const [withEvents, without] = [new MemoryCluster(), new MemoryCluster()];
        for (const each of history) {
          if ('change' in each) for (const cluster of [withEvents, without]) make(cluster, each.change);
          else await reconcile(each.event, contextOf(withEvents), each.run);
        }
        await settle(withEvents);
        await settle(without);
        expect(world(withEvents)).toEqual(world(without));
      }),
      sampled({ sometimes: 300, often: 3_000 }),
    );
  });
});

describe('P1, P2: after any history,', () => {
  it('one resync makes every child as desired, and another resync writes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 15 }), async (history) => {
        const cluster = new MemoryCluster();
        for (const each of history) {
          make(cluster, each);
          await reconcile(each.key, contextOf(cluster));
        }
        await settle(cluster);
        for (const website of cluster.websites())
          expect(await planFor(cluster, website)).toEqual({ steps: [], obstacles: [] });
        const before = cluster.writes;
        expect(await resync(cluster)).toMatchObject({ differing: 0, failed: 0 });
        expect(cluster.writes).toBe(before);
      }),
      sampled({ sometimes: 200, often: 2_000 }),
    );
  });
});

async function planFor(cluster: MemoryCluster, website: Website) {
  const children = await readChildren(website.metadata, cluster, SCOPES.everything);
  return decide(website, children, { scope: SCOPES.everything }).plan;
}

/** A cluster whose every call waits for fast-check's scheduler, which decides the order in which they happen. */
const scheduled = (cluster: MemoryCluster, scheduler: fc.Scheduler): Cluster =>
  around(cluster, async (call, proceed) => {
    await scheduler.schedule(Promise.resolve(), callText(call));
    return proceed();
  });

describe('P3, P4, P10: in random orders of the calls,', () => {
  it('no generation goes back, no foreign child is written, and Ready is honest', async () => {
    const [shop] = keys as [WebsiteKey];
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(open, { minLength: 2, maxLength: 4 }), async (scheduler, specs) => {
        const cluster = new MemoryCluster();
        const applied = new Map<string, number>();
        const known = new Set<string>();
        cluster.onWrite = (object) => {
          const [uid, generation] = generationOf(object);
          if (generation === undefined) return;
          // Kubernetes has no conditional creation. The run that creates an optional child late undoes it, or the run for its event does.
          const mayBeLate = isChildKind(object.kind) && isOptional(object.kind) && !known.has(object.metadata.uid);
          known.add(object.metadata.uid);
          const newest = applied.get(uid) ?? 0;
          if (!mayBeLate) expect(generation, `${object.kind} went back`).toBeGreaterThanOrEqual(newest);
          applied.set(uid, Math.max(generation, newest));
          if (object.kind !== 'Website' && !mayBeLate)
            expect(generation, `${object.kind} is behind the status`).toBeGreaterThanOrEqual(judged(cluster));
          if (object.kind === 'Website') expectHonest(object, cluster);
          if (object.kind === 'Deployment') expectHandsOff(object as Deployment);
        };
        /** The number that the autoscaler or a user set stays while the spec leaves it to an autoscaler. */
        let before: Deployment | undefined;
        let isAutoscalers = false;
        const expectHandsOff = (deployment: Deployment) => {
          const [had, has] = [before?.spec.replicas, deployment.spec.replicas];
          const isKept = before?.metadata.uid === deployment.metadata.uid && had !== 0 && !isAutoscalers;
          if (isKept && hasOpenNumber(deployment)) expect(has, 'replicas of an autoscaled Deployment').toBe(had);
          before = deployment;
        };
        const autoscalers = (work: () => void) => {
          isAutoscalers = true;
          work();
          isAutoscalers = false;
        };
        cluster.apply(shop, specs[0]);
        let settling: Run = {};
        const runs = specs.map(async (_, index) => {
          try {
            await reconcile(shop, contextOf(scheduled(cluster, scheduler)), index === 0 ? RUNS.nothing : {});
          } catch (error) {
            if (!(error instanceof ClusterError) || error.class !== 'conflict') throw error;
            // No answer covers the writes of this run, so their events follow, and the settling run reads everything.
            settling = RUNS.everything;
          }
        });
        const users = scheduler.scheduleSequence([
          ...specs.slice(1).flatMap((each) => [
            async () => {
              for (const kind of CHILD_KINDS.filter(isOptional))
                cluster.remove(kind, { ...shop, name: childName(kind, shop.name) });
            },
            async () => void cluster.apply(shop, each),
            async () => autoscalers(() => cluster.autoscale('maxReplicas')),
          ]),
          async () => autoscalers(() => cluster.rollOut()),
        ]);
        await scheduler.waitIdle();
        await Promise.all([...runs, users.task]);
        for (const _ of [1, 2]) {
          await reconcile(shop, contextOf(cluster), settling);
          autoscalers(() => cluster.rollOut());
        }
        const [website] = cluster.websites();
        if (website === undefined) throw new Error('The Website is gone');
        expect(await planFor(cluster, website)).toEqual({ steps: [], obstacles: [] });
        for (const child of cluster.children()) expect(isOwnedBy(child, website)).toBe(true);
      }),
      sampled({ sometimes: 500, often: 5_000 }),
    );
  });

  function generationOf(object: {
    kind: string;
    metadata: Website['metadata'];
    status?: unknown;
  }): [string, number | undefined] {
    const { uid, annotations } = object.metadata;
    if (object.kind === 'Website') return [uid, (object as Website).status?.observedGeneration];
    const text = annotations?.[GENERATION];
    return [`${object.kind} of ${object.metadata.name}`, text === undefined ? undefined : Number(text)];
  }

  const hasOpenNumber = ({ metadata: { annotations } }: Deployment): boolean =>
    (JSON.parse(annotations?.[STATED] ?? '{}') as { readonly autoscaled?: boolean }).autoscaled === true;

  /**
   * The generation that the children must not be behind. The status of a rollout may be written before the Deployment is, and then an
   * older run may write in between.
   */
  function judged(cluster: MemoryCluster): number {
    const { observedGeneration = 0, conditions = [] } = cluster.websites()[0]?.status ?? {};
    const isRollout = conditions.some(({ type, reason }) => type === 'Reconciling' && reason === 'Progressing');
    return isRollout ? 0 : observedGeneration;
  }

  function expectHonest(website: Website, cluster: MemoryCluster): void {
    const ready = website.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status !== 'True' || website.status?.observedGeneration !== website.metadata.generation) return;
    const deployment = cluster.children().find(({ kind }) => kind === 'Deployment');
    expect(deployment?.metadata.annotations?.[GENERATION]).toBe(String(website.metadata.generation));
  }
});
