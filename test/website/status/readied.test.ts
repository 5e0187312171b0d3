// How long a spec took until the site was ready with it: each generation is counted once, by the run that stored the status.
import { beforeEach, expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { nothingDone, reconcile } from '../../../functions/website/reconcile.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
let cluster: MemoryCluster;
let seconds: number;
beforeEach(() => {
  cluster = new MemoryCluster();
  seconds = 0;
});

async function run() {
  const done = nothingDone();
  const now = () => new Date(NOW.getTime() + seconds * 1000);
  await reconcile(key, { cluster, now }, {}, done).catch((error: unknown) => {
    if (!(error instanceof ClusterError)) throw error;
  });
  return done.readied;
}

const CREATED = { change: 'created', seconds: 7 };

/** A Website whose Deployment is ready, while its status does not say so yet. */
async function rolledOut(): Promise<void> {
  cluster.apply(key, SPEC);
  expect(await run()).toEqual([]);
  seconds = 7;
  cluster.rollOut();
}

it('The run that stores that the site is ready reports the time since the spec was first seen, and no later one does', async () => {
  await rolledOut();
  expect(await run()).toEqual([CREATED]);
  expect(await run()).toEqual([]);
  cluster.apply(key, { ...SPEC, image: 'nginx:1.30' });
  expect(await run()).toEqual([]);
  seconds = 10;
  cluster.rollOut();
  expect(await run()).toEqual([{ change: 'updated', seconds: 3 }]);
});

it('A site that was ready before is not ready anew after a Pod was down', async () => {
  await rolledOut();
  await run();
  const deployment = cluster.children().find(({ kind }) => kind === 'Deployment') as Deployment;
  cluster.edit(deployment, { status: { ...deployment.status, readyReplicas: 0, availableReplicas: 0 } });
  expect(await run()).toEqual([]);
  expect(cluster.websites()[0]?.status?.conditions).toMatchObject([{ status: 'False' }, {}]);
  cluster.rollOut();
  expect(await run()).toEqual([]);
});

it('A change that needs no rollout is ready at once', async () => {
  await rolledOut();
  await run();
  const { disruptionBudget: _, ...withBudget } = SPEC;
  cluster.apply(key, withBudget);
  expect(await run()).toEqual([{ change: 'updated', seconds: 0 }]);
});

/** Lets the next status writes fail. */
function failing(times: number, takesEffect: 'before' | 'after', code: 'Conflict' | 'Unreachable'): void {
  const updateStatus = cluster.updateStatus.bind(cluster);
  let failures = times;
  cluster.updateStatus = async (website) => {
    if (failures-- <= 0) return updateStatus(website);
    if (takesEffect === 'after') await updateStatus(website);
    throw new ClusterError(code, 'a test');
  };
}

it('A status write that lost a race does not count, and its repetition does', async () => {
  await rolledOut();
  failing(2, 'before', 'Conflict');
  expect(await run()).toEqual([CREATED]);
});

it('A status write that failed for good does not count', async () => {
  await rolledOut();
  failing(1, 'before', 'Unreachable');
  expect(await run()).toEqual([]);
  expect(await run()).toEqual([CREATED]);
});

it('A status write whose answer is lost is never counted twice', async () => {
  await rolledOut();
  failing(1, 'after', 'Unreachable');
  expect(await run()).toEqual([]);
  expect(await run()).toEqual([]);
});

it('An API server that drops the history counts nothing', async () => {
  const updateStatus = cluster.updateStatus.bind(cluster);
  cluster.updateStatus = async (website) => {
    const { history: _, ...status } = website.status ?? {};
    return updateStatus({ ...website, status });
  };
  await rolledOut();
  expect(await run()).toEqual([]);
  const { disruptionBudget: _, ...withBudget } = SPEC;
  cluster.apply(key, withBudget);
  expect(await run()).toEqual([]);
});

it('A status that somebody wiped is no new rollout', async () => {
  await rolledOut();
  await run();
  cluster.edit(cluster.websites()[0] as Website, { status: {} });
  expect(await run()).toEqual([]);
});

it('A start that is no time counts nothing', async () => {
  await rolledOut();
  const website = cluster.websites()[0] as Website;
  const history = (website.status?.history ?? []).map((entry) => ({ ...entry, startedAt: 'yesterday' }));
  cluster.edit(website, { status: { ...website.status, history } });
  expect(await run()).toEqual([]);
});
