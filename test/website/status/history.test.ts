import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { historyOf, isNews } from '../../../functions/website/status/history.ts';
import type { Verdict } from '../../../functions/website/reasons.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { Website, WebsiteStatus } from '../../../functions/website/resource.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { aWebsite, NOW, SPEC } from '../../fixtures/websites.ts';
import { sampled } from '../../sampling.ts';

const READY: Verdict = { state: 'ready', reason: 'Available', message: '2 replicas are available' };
const PROGRESSING: Verdict = { state: 'progressing', reason: 'Progressing', message: '1 of 2 replicas are updated' };
const LATE: Verdict = { state: 'stalled', reason: 'ProgressDeadlineExceeded', message: 'nginx:2 did not become ready' };
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const time = (seconds: number) => at(seconds).toISOString().replace('.000', '');
const first = { generation: 1, image: 'nginx:1', startedAt: time(0) };

const readyCondition = (reason: string, message: string, observedGeneration = 1) =>
  ({ type: 'Ready', status: 'False', observedGeneration, lastTransitionTime: time(0), reason, message }) as const;

it.each<[string, { generation: number; status?: WebsiteStatus }, Verdict, readonly object[]]>([
  ['begins with the first generation', { generation: 1 }, PROGRESSING, [{ ...first, startedAt: time(9) }]],
  [
    'states when the site became ready',
    { generation: 1, status: { history: [first] } },
    READY,
    [{ ...first, readyAt: time(9) }],
  ],
  [
    'keeps that time',
    { generation: 1, status: { history: [{ ...first, readyAt: time(3) }] } },
    READY,
    [{ ...first, readyAt: time(3) }],
  ],
  [
    'keeps that time while a Pod is down',
    { generation: 1, status: { history: [{ ...first, readyAt: time(3) }] } },
    LATE,
    [{ ...first, readyAt: time(3) }],
  ],
  [
    'states why a stalled site is not ready',
    { generation: 1, status: { history: [first] } },
    LATE,
    [{ ...first, reason: 'ProgressDeadlineExceeded', message: 'nginx:2 did not become ready' }],
  ],
  [
    'removes the reason once the site is ready',
    {
      generation: 1,
      status: { history: [{ ...first, reason: 'QuotaExceeded', message: 'full' }] },
    },
    READY,
    [{ ...first, readyAt: time(9) }],
  ],
  [
    'states why a generation was not ready when the next one replaced it',
    {
      generation: 2,
      status: { history: [first], conditions: [readyCondition('Progressing', 'ImagePullBackOff: nginx:1')] },
    },
    PROGRESSING,
    [
      { generation: 2, image: 'nginx:2', startedAt: time(9) },
      { ...first, reason: 'Progressing', message: 'ImagePullBackOff: nginx:1' },
    ],
  ],
  [
    'adds no reason that is about another generation',
    {
      generation: 4,
      status: { history: [first], conditions: [readyCondition('InvalidSpec', 'spec.image', 3)] },
    },
    PROGRESSING,
    [{ generation: 4, image: 'nginx:2', startedAt: time(9) }, first],
  ],
  [
    'has no entry for a generation that an older release judged',
    {
      generation: 1,
      status: { observedGeneration: 1, deploymentName: 'shop-deployment' },
    },
    READY,
    [],
  ],
  [
    'begins again if a restored Website has an older generation',
    {
      generation: 1,
      status: { history: [{ ...first, generation: 7 }] },
    },
    PROGRESSING,
    [{ ...first, startedAt: time(9) }],
  ],
])('The history %s', (_, { generation, ...rest }, judged, expected) => {
  const website = aWebsite({ ...rest, metadata: { generation } });
  expect(historyOf(website, `nginx:${generation === 1 ? 1 : 2}`, judged, at(9))).toEqual(expected);
});

it('A long message in the history is shortened', () => {
  const [entry] = historyOf(aWebsite(), 'nginx:1', { ...LATE, message: 'é'.repeat(1_000) }, NOW);
  expect(Buffer.byteLength(entry?.message ?? '')).toBeLessThanOrEqual(512);
});

it('A changed history alone is not worth a status write', () => {
  const status = { replicas: 2, history: [first] };
  expect(isNews({ replicas: 2 }, status)).toBe(false);
  expect(isNews({ replicas: 1, history: [first] }, status)).toBe(true);
  expect(isNews(undefined, { history: [first] })).toBe(false);
  const third = { ...first, generation: 3 };
  const judged = { observedGeneration: 3, history: [first] };
  expect(isNews(judged, { ...judged, history: [third, first] })).toBe(false);
  expect(isNews(judged, { ...judged, history: [third, { ...first, generation: 2 }, first] })).toBe(true);
});

const key = { namespace: 'team-a', name: 'shop' };
let cluster: MemoryCluster;
let seconds: number;
beforeEach(() => {
  cluster = new MemoryCluster();
  seconds = 0;
});
const run = () => reconcile(key, { cluster, now: () => at(seconds++) });
const historyNow = () => cluster.websites()[0]?.status?.history ?? [];

it('The history has a rollout from its start until it is ready', async () => {
  cluster.apply(key, SPEC);
  await run();
  cluster.rollOut();
  await run();
  cluster.apply(key, { ...SPEC, image: 'nginx:1.30' });
  await run();
  expect(historyNow()).toEqual([
    { generation: 2, image: 'nginx:1.30', startedAt: time(2) },
    { generation: 1, image: 'nginx:1.29', startedAt: time(0), readyAt: time(1) },
  ]);
});

it('New entries replace the oldest ones', async () => {
  for (let replicas = 1; replicas <= 12; replicas++) {
    cluster.apply(key, { ...SPEC, replicas });
    await run();
  }
  expect(historyNow().map(({ generation }) => generation)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
});

it('A run does not restore a removed history, because the history alone is not worth a write', async () => {
  cluster.apply(key, SPEC);
  await run();
  cluster.rollOut();
  await run();
  const [website] = cluster.websites();
  const { history: _, ...status } = website?.status ?? {};
  cluster.edit(website as Website, { status });
  const { writes } = cluster;
  expect((await run()).actions).toEqual([]);
  expect(cluster.writes).toBe(writes);
});

function expectSound({ history = [] }: WebsiteStatus): void {
  const generations = history.map(({ generation }) => generation);
  expect(generations.length).toBeLessThanOrEqual(10);
  expect(generations).toEqual([...new Set(generations)].toSorted((left, right) => right - left));
  for (const { startedAt, readyAt = startedAt } of history)
    expect(Date.parse(readyAt)).toBeGreaterThanOrEqual(Date.parse(startedAt));
}

const step = fc.oneof(
  fc.record({ do: fc.constant('apply'), image: fc.constantFrom('a:1', 'b:1', 'c:1'), replicas: fc.nat(2) }),
  fc.record({ do: fc.constantFrom('roll out', 'run', 'wipe') }),
);

it('The history has at most 10 entries, the newest generation first, and is never written alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      cluster = new MemoryCluster();
      seconds = 0;
      cluster.apply(key, SPEC);
      await run();
      let known: Website | undefined = cluster.websites()[0];
      cluster.onWrite = (object) => {
        if (object.kind !== 'Website') return;
        const { status = {}, metadata } = object;
        const isSameSpec = metadata.generation === known?.metadata.generation;
        if (isSameSpec && status.history !== undefined) expect(isNews(known?.status, status)).toBe(true);
        expectSound(status);
        known = object;
      };
      for (const each of steps) {
        const [website] = cluster.websites();
        if ('image' in each) cluster.apply(key, { ...SPEC, image: each.image, replicas: each.replicas });
        else if (each.do === 'roll out') cluster.rollOut();
        else if (each.do === 'wipe' && website !== undefined) cluster.edit(website, { status: {} });
        await run();
        const { writes } = cluster;
        expect((await run()).actions).toEqual([]);
        expect(cluster.writes).toBe(writes);
      }
    }),
    sampled({ sometimes: 100, often: 1_000 }),
  );
});
