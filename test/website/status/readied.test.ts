// The time until the site is ready with a new spec: each generation is counted once, by the run that stores the status.
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

it('The run that stores that the site is ready reports how long that took, and later runs do not', async () => {
  await rolledOut();
  expect(await run()).toEqual([CREATED]);
  expect(await run()).toEqual([]);
  cluster.apply(key, { ...SPEC, image: 'nginx:1.30' });
  expect(await run()).toEqual([]);
  seconds = 10;
  cluster.rollOut();
  expect(await run()).toEqual([{ change: 'updated', seconds: 3 }]);
});

it('A site that becomes ready again after a Pod was down is not counted again', async () => {
  await rolledOut();
  await run();
  const deployment = cluster.children().find(({ kind }) => kind === 'Deployment') as Deployment;
  cluster.edit(deployment, { status: { ...deployment.status, readyReplicas: 0, availableReplicas: 0 } });
  expect(await run()).toEqual([]);
  expect(cluster.websites()[0]?.status?.conditions).toMatchObject([{ status: 'False' }, {}]);
  cluster.rollOut();
  expect(await run()).toEqual([]);
});

it('A change without a rollout counts as ready at once', async () => {
  await rolledOut();
  await run();
  const { disruptionBudget: _, ...withBudget } = SPEC;
  cluster.apply(key, withBudget);
  expect(await run()).toEqual([{ change: 'updated', seconds: 0 }]);
});

/** Makes the next status writes fail. */
function failing(times: number, takesEffect: 'before' | 'after', code: 'Conflict' | 'Unreachable'): void {
  const updateStatus = cluster.updateStatus.bind(cluster);
  let failures = times;
  cluster.updateStatus = async (website) => {
    if (failures-- <= 0) return updateStatus(website);
    if (takesEffect === 'after') await updateStatus(website);
    throw new ClusterError(code, 'a test');
  };
}

it('A status write that lost a race is not counted, and its repetition is', async () => {
  await rolledOut();
  failing(2, 'before', 'Conflict');
  expect(await run()).toEqual([CREATED]);
});

it('A failed status write is not counted', async () => {
  await rolledOut();
  failing(1, 'before', 'Unreachable');
  expect(await run()).toEqual([]);
  expect(await run()).toEqual([CREATED]);
});

it('A status write whose answer is lost is not counted twice', async () => {
  await rolledOut();
  failing(1, 'after', 'Unreachable');
  expect(await run()).toEqual([]);
  expect(await run()).toEqual([]);
});

it('With an API server that drops the history, nothing is counted', async () => {
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

it('A status that somebody wiped does not count as a new rollout', async () => {
  await rolledOut();
  await run();
  cluster.edit(cluster.websites()[0] as Website, { status: {} });
  expect(await run()).toEqual([]);
});

it('A history with an invalid start time is not counted', async () => {
  await rolledOut();
  const website = cluster.websites()[0] as Website;
  const history = (website.status?.history ?? []).map((entry) => ({ ...entry, startedAt: 'yesterday' }));
  cluster.edit(website, { status: { ...website.status, history } });
  expect(await run()).toEqual([]);
});
