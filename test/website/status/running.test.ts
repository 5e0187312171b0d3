// The history has the generation that is running, whatever became of its own status.
import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import type { Cluster } from '../../../functions/cluster/cluster.ts';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import { GENERATION } from '../../../functions/website/children/metadata.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { around, callText } from '../../cluster/around.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';
import { sampled } from '../../sampling.ts';

const key = { namespace: 'team-a', name: 'shop' };
const UNJUDGED = 'The Deployment was written for this generation. The spec changed again before the site was judged';

let cluster: MemoryCluster;
beforeEach(() => {
  cluster = new MemoryCluster();
});
const runOn = (given: Cluster) => reconcile(key, { cluster: given, now: () => NOW });
const apply = (spec: object) => cluster.apply(key, { ...SPEC, ...spec });
const historyNow = () => cluster.websites()[0]?.status?.history ?? [];

/** A run, and what happens once just before one of its calls. */
async function runWith(what: string, first: () => unknown): Promise<void> {
  let isDone = false;
  const through = around(cluster, async (call, proceed) => {
    if (!isDone && callText(call) === what) {
      isDone = true;
      await first();
    }
    return proceed();
  });
  await runOn(through);
}

async function readyWith(image: string): Promise<void> {
  apply({ image });
  await runOn(cluster);
  cluster.rollOut();
  await runOn(cluster);
}

async function expectNoMoreWrites(): Promise<void> {
  const state = cluster.state();
  expect((await runOn(cluster)).actions).toEqual([]);
  expect(cluster.state()).toBe(state);
}

const FAILS = (child: object, code: 'PolicyDenied' | 'InternalError') => {
  if (JSON.stringify(child).includes('shop:3')) throw new ClusterError(code, 'no such image');
};

const SUSPENDED = { generation: 3, image: 'shop:3', reason: 'Suspended' };
it.each<[string, object, readonly object[], () => void]>([
  ['is suspended', { image: 'shop:3', suspend: true }, [SUSPENDED], () => {}],
  [
    'is refused',
    { image: 'shop:3' },
    [{ generation: 3, image: 'shop:3', reason: 'Rejected' }],
    () => (cluster.admit = (child) => (FAILS(child, 'PolicyDenied'), child)),
  ],
  ['is invalid', { image: 'Shop 3' }, [], () => {}],
  [
    'fails',
    { image: 'shop:3' },
    [{ generation: 3, image: 'shop:3' }],
    () => (cluster.admit = (child) => (FAILS(child, 'InternalError'), child)),
  ],
])('The history has a generation whose status lost its race, if the next one %s', async (_, next, newest, prepare) => {
  prepare();
  await readyWith('shop:1');
  apply({ image: 'shop:2' });
  await runWith('update status Website', () => apply(next)).catch(() => {});
  expect(historyNow()).toMatchObject([
    ...newest,
    { generation: 2, image: 'shop:2', message: UNJUDGED },
    { generation: 1, image: 'shop:1', readyAt: expect.any(String) as string },
  ]);
  expect(historyNow()).toHaveLength(newest.length + 2);
});

it('The history has the first generation too', async () => {
  apply({ image: 'shop:1' });
  await runWith('update status Website', () => apply({ image: 'shop:2', suspend: true }));
  expect(historyNow().map(({ image }) => image)).toEqual(['shop:2', 'shop:1']);
  await expectNoMoreWrites();
});

it.each([
  ['suspended', { image: 'shop:3', suspend: true }, ['shop:3', 'shop:1']],
  ['invalid', { image: 'Shop 3' }, ['shop:1']],
])(
  'The history has a generation that a slow run writes after a newer one was judged as %s',
  async (_, next, images) => {
    await readyWith('shop:1');
    apply({ image: 'shop:2' });
    await runWith('replace Deployment', async () => {
      apply(next);
      await runOn(cluster);
      expect(historyNow().map(({ image }) => image)).toEqual(images);
    });
    expect(historyNow().map(({ image }) => image)).toEqual([...images.slice(0, -1), 'shop:2', 'shop:1']);
    await expectNoMoreWrites();
  },
);

it('The history keeps the generation that is running, however often the spec of a suspended Website changes', async () => {
  await readyWith('shop:1');
  for (let image = 2; image < 14; image++) {
    apply({ image: `shop:${image}`, suspend: true });
    await runOn(cluster);
  }
  expect(historyNow().map(({ generation }) => generation)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 1]);
  await expectNoMoreWrites();
});

it('A suspension that changes nothing else adds no entry for the generation before it', async () => {
  await readyWith('shop:1');
  apply({ image: 'shop:2' });
  await runWith('update status Website', () => apply({ image: 'shop:2', suspend: true }));
  expect(historyNow().map(({ generation }) => generation)).toEqual([3, 1]);
  await expectNoMoreWrites();
});

it.each<[string, (deployment: Deployment) => Partial<Deployment>]>([
  [
    'another writer has set the image',
    ({ spec, metadata }) => ({
      spec: JSON.parse(JSON.stringify(spec).replace('shop:2', 'shop:hand')) as Deployment['spec'],
      metadata: {
        ...metadata,
        managedFields: [
          {
            manager: 'kubectl-set',
            time: NOW.toISOString(),
            fieldsV1: {
              'f:spec': {
                'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"webserver"}': { 'f:image': {} } } } },
              },
            },
          },
        ],
      },
    }),
  ],
  [
    'the Deployment does not say its generation',
    ({ metadata }) => ({ metadata: { ...metadata, annotations: { ...metadata.annotations, [GENERATION]: 'two' } } }),
  ],
  ['the Deployment belongs to somebody else', ({ metadata }) => ({ metadata: { ...metadata, ownerReferences: [] } })],
])('The history says nothing about what is running if %s', async (_, change) => {
  await readyWith('shop:1');
  apply({ image: 'shop:2' });
  await runWith('update status Website', () => {
    apply({ image: 'shop:3', suspend: true });
    const deployment = cluster.children().find((child): child is Deployment => child.kind === 'Deployment');
    if (deployment !== undefined) cluster.edit(deployment, change(deployment));
  });
  expect(historyNow().map(({ generation }) => generation)).toEqual([3, 1]);
});

it('The start of a generation from before the history is unknown, so it gets no entry', async () => {
  await readyWith('shop:1');
  const [website] = cluster.websites();
  const { history: _, ...status } = website?.status ?? {};
  cluster.edit(website as Website, { status });
  apply({ image: 'shop:2', suspend: true });
  await runOn(cluster);
  expect(historyNow().map(({ generation }) => generation)).toEqual([2]);
  await expectNoMoreWrites();
});

class WithOldCrd extends MemoryCluster {
  override async updateStatus({ status: given = {}, ...website }: Website): Promise<Website> {
    const { history: _, ...status } = given;
    return super.updateStatus({ ...website, status });
  }
}

it('With a CRD of an older release, which drops the history, a settled Website takes no write either', async () => {
  cluster = new WithOldCrd();
  await readyWith('shop:1');
  apply({ image: 'shop:2' });
  await runWith('update status Website', () => apply({ image: 'shop:3', suspend: true }));
  expect(historyNow()).toEqual([]);
  await expectNoMoreWrites();
});

const change = fc.record({ image: fc.nat(40).map((tag) => `shop:${tag}`), suspend: fc.boolean(), replicas: fc.nat(2) });
const CALLS = ['update status Website', 'replace Deployment', 'get Website'];
const step = fc.oneof(
  fc.record({ spec: change }),
  fc.record({ spec: change, next: change, before: fc.constantFrom(...CALLS) }),
  fc.constant('roll out'),
);

it('The image that is running is always in the history, and a settled Website takes no write', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 40 }), async (steps) => {
      cluster = new MemoryCluster();
      apply({});
      for (const each of steps) {
        if (typeof each === 'string') cluster.rollOut();
        else apply(each.spec);
        if (typeof each !== 'string' && 'next' in each) await runWith(each.before, () => apply(each.next));
        await runOn(cluster);
        const [deployment] = cluster.children().filter(({ kind }) => kind === 'Deployment') as Deployment[];
        const running = deployment?.spec.template.spec?.containers.map(({ image }) => image) ?? [];
        expect(historyNow().map(({ image }) => image)).toEqual(expect.arrayContaining(running));
        expect(historyNow().length).toBeLessThanOrEqual(10);
        await expectNoMoreWrites();
      }
    }),
    sampled({ sometimes: 100, often: 3_000 }),
  );
});
