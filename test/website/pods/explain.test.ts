import { beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../functions/cluster/cluster.ts';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import { loggingMissingPodsRightOnce } from '../../../functions/cluster/optional-pods.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { around } from '../../cluster/around.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { aPod, unschedulable } from '../../fixtures/broken-pods.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const PULL = aPod({ state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } });
const BACK_OFF = aPod({
  state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "shop:1.2.9"' } },
});
const WAITS = '0 of 2 replicas are updated';
const LATE = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out.' };

let cluster: MemoryCluster;
let seconds: number;
beforeEach(() => {
  cluster = new MemoryCluster();
  seconds = 0;
  cluster.apply(key, { ...SPEC, image: 'shop:1.2.9' });
});
const run = (through: Cluster = cluster) =>
  reconcile(key, { cluster: through, now: () => new Date(NOW.getTime() + seconds * 1000) });
const runAt = async (time: number, through?: Cluster) => {
  seconds = time;
  return run(through);
};
const ready = () => cluster.websites()[0]?.status?.conditions?.find(({ type }) => type === 'Ready');
const readsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = cluster.reads;
  await work();
  return cluster.reads - before;
};

/** The Deployment controller has seen the newest spec. */
function observed(status: object = {}): void {
  const deployment = cluster.children().find((child): child is Deployment => child.kind === 'Deployment');
  if (deployment === undefined) throw new Error('The Deployment is missing');
  cluster.edit(deployment, { status: { observedGeneration: deployment.metadata.generation ?? 0, ...status } });
}

/** The cluster, which refuses to list Pods with this code. */
const refusing = (code: ErrorCode): Cluster => ({
  ...around(cluster),
  listPods: async () => {
    throw new ClusterError(code, `Could not list pods: ${code}`);
  },
});

describe('A rollout', () => {
  beforeEach(async () => {
    await run();
    observed();
    cluster.pods = [PULL];
  });

  it('reads no Pods in its first seconds', async () => {
    expect(await readsOf(() => runAt(3))).toBe(3);
    expect(ready()?.message).toBe(WAITS);
  });

  it('asks for another run after 5 seconds, and then less and less often', async () => {
    for (const [age, requeueAfterSeconds] of [
      [0, 5],
      [5, 5],
      [24, 6],
      [240, 60],
      [3600, 120],
    ] as const)
      expect(await runAt(age)).toMatchObject({ outcome: { kind: 'waiting', requeueAfterSeconds } });
  });

  it('that takes longer reports the cause, for one more read', async () => {
    expect(await readsOf(() => runAt(5))).toBe(4);
    expect(ready()).toMatchObject({
      status: 'False',
      reason: 'Progressing',
      message: `${WAITS}. ImagePullBackOff: shop:1.2.9: not found`,
    });
  });

  it('reports a cause once: the next run writes nothing, even if it learns less', async () => {
    await runAt(5);
    for (const pods of [[PULL], [BACK_OFF]]) {
      cluster.pods = pods;
      expect(await runAt(30)).toMatchObject({ actions: [] });
    }
    expect(ready()?.message).toMatch(/not found$/);
  });

  it('reports another cause when it changes, and no cause once it is gone', async () => {
    await runAt(5);
    cluster.pods = [unschedulable()];
    await runAt(10);
    expect(ready()?.message).toBe(`${WAITS}. Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.`);
    cluster.pods = [];
    await runAt(15);
    expect(ready()?.message).toBe(WAITS);
  });

  it('of a new spec is read as soon as the first one', async () => {
    await runAt(600);
    cluster.apply(key, { ...SPEC, image: 'shop:1.3.0' });
    await runAt(601);
    observed();
    expect(await runAt(601)).toMatchObject({ outcome: { requeueAfterSeconds: 5 } });
    expect(await readsOf(() => runAt(603))).toBe(3);
    expect(await readsOf(() => runAt(606))).toBe(4);
  });

  it('that is complete reads no Pods, and asks for no other run', async () => {
    await runAt(5);
    cluster.rollOut();
    expect(await readsOf(async () => expect(await runAt(10)).toMatchObject({ outcome: { kind: 'settled' } }))).toBe(3);
  });

  it('that exceeded its deadline reports the cause at once', async () => {
    observed({ conditions: [LATE] });
    await runAt(1);
    expect(ready()).toMatchObject({
      reason: 'ProgressDeadlineExceeded',
      message: expect.stringMatching(/: timed out\. ImagePullBackOff: shop:1\.2\.9: not found$/) as string,
    });
    expect(cluster.websites()[0]?.status?.history).toMatchObject([
      { message: expect.stringContaining('ImagePullBackOff') as string },
    ]);
  });

  it('whose Deployment controller has not acted reports that', async () => {
    cluster.apply(key, { ...SPEC, image: 'shop:1.2.9', env: [{ name: 'A', value: 'b' }] });
    await runAt(1);
    await runAt(9);
    expect(ready()?.message).toBe('Waiting for the Deployment controller');
    expect(await runAt(10)).toMatchObject({ outcome: { requeueAfterSeconds: 120 } });
  });

  it('keeps its cause while the Pods cannot be read', async () => {
    await runAt(5);
    expect(await runAt(10, refusing('Timeout'))).toMatchObject({ actions: [] });
    expect(ready()?.message).toMatch(/not found$/);
  });

  it('does not report the old cause for a new spec', async () => {
    observed({ conditions: [LATE] });
    await runAt(1);
    cluster.apply(key, { ...SPEC, image: 'shop:1.2.9', host: 'shop.example.com' });
    await runAt(10, refusing('Timeout'));
    expect(ready()).toMatchObject({
      observedGeneration: 2,
      message: expect.stringMatching(/: timed out\.$/) as string,
    });
  });

  it('ignores Pods of an older template', async () => {
    const message = 'ReplicaSet "shop-deployment-newer" is progressing.';
    observed({ conditions: [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message }] });
    await runAt(5);
    expect(ready()?.message).toBe(WAITS);
    cluster.pods = [aPod({ hash: 'newer', state: PULL.status?.containerStatuses?.[0]?.state })];
    await runAt(10);
    expect(ready()?.message).toBe(`${WAITS}. ImagePullBackOff: shop:1.2.9: not found`);
  });

  it('reports no cause without the right to list Pods, and logs that once', async () => {
    const lines: string[] = [];
    const noting = loggingMissingPodsRightOnce({ warn: (_, message) => lines.push(message) });
    const through = noting(refusing('Forbidden'));
    for (const time of [5, 10]) await runAt(time, through);
    expect(ready()).toMatchObject({ reason: 'Progressing', message: WAITS });
    expect(cluster.websites()[0]?.status?.conditions).toHaveLength(2);
    expect(lines).toEqual(['May not list Pods, so no condition says why a rollout is not done']);
  });
});

it('A suspended Website reads no Pods', async () => {
  await run();
  observed();
  cluster.apply(key, { ...SPEC, image: 'shop:1.2.9', suspend: true });
  await runAt(1);
  expect(await readsOf(() => runAt(60))).toBe(3);
});
