// Who sets the number of replicas: the spec, the site's own autoscaler, or another program that scales the Website.
import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import type { ChildKind, ChildOfKind } from '../../../functions/website/children/kinds.ts';
import { resyncWebsites } from '../../../functions/resync-websites.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { runOnce, type RunName } from '../../fixtures/runs.ts';
import { NOW } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const IMAGE = { image: 'nginx:1', disruptionBudget: 'None' };
const AUTOSCALED = { ...IMAGE, autoscaling: { minReplicas: 2, maxReplicas: 5 } };
const EXTERNAL = { ...IMAGE, autoscaling: { external: true } };

let cluster: MemoryCluster;
beforeEach(() => {
  cluster = new MemoryCluster();
});

const run = (name?: RunName) => runOnce(cluster, key, name);
async function settle(spec: object): Promise<void> {
  cluster.apply(key, spec);
  await run();
  cluster.rollOut();
  await run();
}
const resync = () =>
  resyncWebsites({
    cluster,
    now: () => NOW,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    resyncPlace: { last: undefined },
  });

const child = <Kind extends ChildKind>(kind: Kind): ChildOfKind<Kind> | undefined =>
  cluster.children().find((each): each is ChildOfKind<Kind> => each.kind === kind);
const autoscaler = () => child('HorizontalPodAutoscaler');
const budget = () => child('PodDisruptionBudget');
const replicas = () => child('Deployment')?.spec.replicas;
const website = () => cluster.websites()[0];
const specReplicas = () => (website()?.spec as { readonly replicas?: number } | undefined)?.replicas;
const ready = () => website()?.status?.conditions?.[0];

/** Scales the Deployment like an autoscaler or a user. */
function scaleDeployment(to: number): void {
  const deployment = child('Deployment');
  if (deployment === undefined) throw new Error('The Deployment is missing');
  cluster.edit(deployment, { spec: { ...deployment.spec, replicas: to } });
}

describe('A new Deployment with an autoscaler has', () => {
  it.each([
    ['minReplicas', { minReplicas: 2, maxReplicas: 5 }, {}, 2],
    ['1 replica without minReplicas', { maxReplicas: 5 }, {}, 1],
    ['the replicas of the spec', { minReplicas: 2, maxReplicas: 5 }, { replicas: 3 }, 3],
    ['at least minReplicas', { minReplicas: 2, maxReplicas: 5 }, { replicas: 1 }, 2],
    ['at most maxReplicas', { minReplicas: 2, maxReplicas: 5 }, { replicas: 9 }, 5],
    ['0 replicas while it is parked', { minReplicas: 2, maxReplicas: 5 }, { replicas: 0 }, 0],
  ])('%s', async (_, autoscaling, rest, first) => {
    cluster.apply(key, { ...IMAGE, autoscaling, ...rest });
    await run('nothing');
    expect(replicas()).toBe(first);
  });
});

describe('The number of replicas that the autoscaler set', () => {
  beforeEach(async () => {
    await settle(AUTOSCALED);
    scaleDeployment(4);
  });

  it('is not reverted, and the status follows it', async () => {
    const { actions, repairs } = await run('deployment');
    expect({ actions, repairs, replicas: replicas() }).toEqual({
      actions: ['update status'],
      repairs: [],
      replicas: 4,
    });
    expect(website()?.status).toMatchObject({ replicasSet: 4 });
    expect(ready()).toMatchObject({ status: 'False', reason: 'Progressing' });
    expect(await resync()).toMatchObject({ differing: 0 });
  });

  it('is the number that the site waits for', async () => {
    const deployment = child('Deployment');
    const counts = { replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 };
    if (deployment !== undefined)
      cluster.edit(deployment, { status: { observedGeneration: deployment.metadata.generation ?? 0, ...counts } });
    await run('deployment');
    expect(ready()).toMatchObject({ status: 'True', message: '4 replicas are available' });
  });

  it.each([
    ['another image', { ...AUTOSCALED, image: 'nginx:2' }],
    ['other limits', { ...AUTOSCALED, autoscaling: { minReplicas: 3, maxReplicas: 4 } }],
    ['another number in the spec, which only counts for a new Deployment', { ...AUTOSCALED, replicas: 3 }],
  ])('stays with %s', async (_, spec) => {
    cluster.apply(key, spec);
    expect((await run()).actions).toContain('replace Deployment');
    expect(replicas()).toBe(4);
  });

  it('stays while another field is restored', async () => {
    const deployment = child('Deployment');
    if (deployment === undefined) throw new Error('The Deployment is missing');
    const { template } = deployment.spec;
    const containers = template.spec?.containers.map((each) => ({ ...each, image: 'evil:1' })) ?? [];
    cluster.edit(deployment, {
      spec: { ...deployment.spec, template: { ...template, spec: { ...template.spec, containers } } },
    });
    const { repairs } = await run('deployment');
    expect(repairs).toMatchObject([{ fields: ['spec.template.spec.containers[0].image'] }]);
    expect(replicas()).toBe(4);
  });

  it('is replaced by the number in the spec once autoscaling leaves the spec', async () => {
    cluster.apply(key, { ...IMAGE, replicas: 3 });
    expect((await run()).actions).toEqual(['delete HorizontalPodAutoscaler', 'replace Deployment', 'update status']);
    expect([replicas(), autoscaler()]).toEqual([3, undefined]);
  });
});

it('A Deployment keeps its replicas when it gets an autoscaler', async () => {
  await settle({ ...IMAGE, replicas: 4 });
  cluster.apply(key, AUTOSCALED);
  expect((await run()).actions).toEqual(['replace Deployment', 'create HorizontalPodAutoscaler', 'update status']);
  expect(replicas()).toBe(4);
});

describe('A parked site with an autoscaler', () => {
  beforeEach(async () => {
    await settle(AUTOSCALED);
    scaleDeployment(4);
    await settle({ ...AUTOSCALED, replicas: 0 });
  });

  it('has no Pods, and its autoscaler stays unchanged', async () => {
    expect(replicas()).toBe(0);
    expect(autoscaler()?.spec).toMatchObject({ minReplicas: 2, maxReplicas: 5 });
    expect(ready()).toMatchObject({ status: 'True', reason: 'Parked' });
    expect((await run()).actions).toEqual([]);
  });

  it("starts with minReplicas, and keeps the autoscaler's number afterwards", async () => {
    cluster.apply(key, AUTOSCALED);
    await run();
    expect(replicas()).toBe(2);
    scaleDeployment(5);
    await run();
    expect(replicas()).toBe(5);
  });
});

it('A Deployment with an autoscaler that somebody scaled to 0 starts again, because no autoscaler would start it', async () => {
  await settle(AUTOSCALED);
  scaleDeployment(0);
  expect((await run('deployment')).repairs).toMatchObject([{ kind: 'Deployment', fields: ['spec.replicas'] }]);
  expect(replicas()).toBe(2);
});

describe('The autoscaler', () => {
  it('is restored to the limits and targets of the spec, and keeps a behavior that others set', async () => {
    await settle({ ...IMAGE, autoscaling: { maxReplicas: 5, cpuPercent: 60, memoryPercent: 90 } });
    const wanted = autoscaler();
    if (wanted === undefined) throw new Error('The autoscaler is missing');
    const behavior = { scaleDown: { stabilizationWindowSeconds: 600 } };
    cluster.edit(wanted, { spec: { ...wanted.spec, maxReplicas: 50, metrics: [], behavior } });
    const { repairs } = await run('everything');
    expect(repairs).toMatchObject([
      { kind: 'HorizontalPodAutoscaler', note: expect.stringContaining('spec.maxReplicas from 50 to 5') as string },
    ]);
    expect(autoscaler()?.spec).toEqual({ ...wanted.spec, behavior });
  });

  it.each([
    ['a budget if minReplicas is 2', { minReplicas: 2, maxReplicas: 5 }, true],
    ['no budget if minReplicas is 1', { minReplicas: 1, maxReplicas: 5 }, false],
  ])('leads to %s', async (_, autoscaling, isThere) => {
    await settle({ image: 'nginx:1', replicas: 3, autoscaling });
    expect(budget() !== undefined).toBe(isThere);
  });

  it('leads to no budget while the site is parked', async () => {
    await settle({ ...AUTOSCALED, disruptionBudget: 'Auto', replicas: 0 });
    expect(budget()).toBeUndefined();
  });
});

describe('A Website that another program scales', () => {
  it('starts with 1 replica, which the functions write into it before the children', async () => {
    cluster.apply(key, EXTERNAL);
    expect((await run('nothing')).actions).toEqual([
      'scale Website',
      'create Deployment',
      'create Service',
      'update status',
    ]);
    expect([specReplicas(), replicas(), autoscaler()]).toEqual([1, 1, undefined]);
    cluster.rollOut();
    await run();
    expect(website()?.status).toMatchObject({ observedGeneration: 2, replicasSet: 1 });
    expect((await run()).actions).toEqual([]);
  });

  it.each(['nothing', 'spec', 'as-needed', 'everything'] as const)(
    'keeps the Pods that it has (in a run that reads %s)',
    async (look) => {
      await settle({ ...IMAGE, replicas: 3 });
      cluster.apply(key, EXTERNAL);
      expect((await run(look)).actions).toEqual(['scale Website', 'replace Deployment', 'update status']);
      expect([specReplicas(), replicas()]).toEqual([3, 3]);
    },
  );

  it('starts with 1 replica if it was parked', async () => {
    await settle({ ...IMAGE, replicas: 0 });
    await settle(EXTERNAL);
    expect([specReplicas(), replicas()]).toEqual([1, 1]);
  });

  it('has the number of replicas that it is scaled to, including 0', async () => {
    await settle(EXTERNAL);
    for (const to of [4, 0]) {
      const before = website();
      if (before !== undefined) await cluster.scale(before, to);
      expect((await run()).actions).toEqual(['replace Deployment', 'update status']);
      expect(replicas()).toBe(to);
    }
  });

  it('does not take its first number from the Deployment of an earlier Website', async () => {
    await settle({ ...IMAGE, replicas: 3 });
    cluster.drop('Website', key);
    cluster.apply(key, EXTERNAL);
    await run();
    expect([specReplicas(), replicas()]).toEqual([1, 1]);
  });

  it('without replicas is found by a resync, even if its children are as desired', async () => {
    await settle({ ...EXTERNAL, replicas: 1 });
    const { metadata } = cluster.apply(key, EXTERNAL);
    expect(await resync()).toMatchObject({ differing: 1, failed: 0 });
    expect([specReplicas(), metadata.generation]).toEqual([1, 2]);
  });

  it('keeps its replicas while it is suspended', async () => {
    await settle({ ...IMAGE, replicas: 3 });
    cluster.apply(key, { ...EXTERNAL, suspend: true });
    expect((await run()).actions).toEqual(['update status']);
    expect([specReplicas(), replicas()]).toEqual([undefined, 3]);
    expect(ready()).toMatchObject({ status: 'True', reason: 'Suspended' });
  });

  it('keeps its Pods if somebody removes its replicas again and again', async () => {
    cluster.apply(key, EXTERNAL);
    const scale = cluster.scale.bind(cluster);
    cluster.scale = async (before, number) => {
      await scale(before, number);
      cluster.apply(key, EXTERNAL);
    };
    const { actions } = await run();
    expect(actions).toEqual(['scale Website', 'create Deployment', 'create Service', 'update status']);
    expect(replicas()).toBe(1);
    cluster.rollOut();
    await run();
    // The children and the status are as desired, and only the replicas are missing.
    cluster.scale = scale;
    expect(await resync()).toMatchObject({ differing: 1, failed: 0 });
    expect(specReplicas()).toBe(1);
  });
});

describe('A first number of replicas that the API server refuses', () => {
  const refuse = (code: ErrorCode) => {
    cluster.scale = async () => {
      throw new ClusterError(code, `${code} here`);
    };
  };

  it('permanently is reported, and the site keeps running', async () => {
    await settle({ ...IMAGE, replicas: 3 });
    cluster.apply(key, EXTERNAL);
    refuse('PolicyDenied');
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'Rejected' });
    expect(ready()).toMatchObject({ status: 'False', reason: 'Rejected', message: 'PolicyDenied here' });
    expect(replicas()).toBe(3);
  });

  it('for lack of a right fails the run and is reported', async () => {
    cluster.apply(key, EXTERNAL);
    refuse('Forbidden');
    await expect(run()).rejects.toMatchObject({ code: 'Forbidden' });
    expect(ready()).toMatchObject({
      reason: 'Forbidden',
      message: expect.stringContaining('Forbidden here') as string,
    });
    expect(cluster.children()).toEqual([]);
  });

  it('because the Website has changed is determined again', async () => {
    cluster.apply(key, EXTERNAL);
    const scale = cluster.scale.bind(cluster);
    cluster.scale = async (before, number) => {
      cluster.scale = scale;
      cluster.apply(key, { ...EXTERNAL, replicas: 5 });
      return scale(before, number);
    };
    await run();
    expect([specReplicas(), replicas()]).toEqual([5, 5]);
  });
});
