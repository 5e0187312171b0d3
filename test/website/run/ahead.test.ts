// The status of a rollout is written while its Deployment is, and never says more than is true.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../functions/cluster/cluster.ts';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Child } from '../../../functions/website/children/kinds.ts';
import { nothingDone, reconcile } from '../../../functions/website/reconcile.ts';
import { around, callText } from '../../cluster/around.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const NEW = { ...SPEC, image: 'nginx:2' };

let cluster: MemoryCluster;
/** The calls that write, as they begin and end. */
let calls: string[];

/** Each call takes some turns, so calls that are made together overlap. */
const slow = (): Cluster =>
  around(cluster, async (call, proceed) => {
    if (call.verb.startsWith('get')) return proceed();
    calls.push(callText(call));
    await new Promise((resolve) => setImmediate(resolve));
    return proceed().finally(() => calls.push(`${callText(call)} ended`));
  });
const run = () => reconcile(key, { cluster: slow(), now: () => NOW });
const conditions = () =>
  cluster.websites()[0]?.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

beforeEach(async () => {
  cluster = new MemoryCluster();
  calls = [];
  cluster.apply(key, SPEC);
  await reconcile(key, { cluster, now: () => NOW });
  cluster.rollOut();
  await reconcile(key, { cluster, now: () => NOW });
  cluster.announced.length = 0;
});

describe('A new rollout', () => {
  it('begins with its status, which is written once', async () => {
    cluster.apply(key, NEW);
    expect((await run()).actions).toEqual(['replace Deployment', 'update status']);
    expect(calls.slice(0, 2)).toEqual(['replace Deployment', 'update status Website']);
    expect(calls).toHaveLength(4);
    expect(conditions()).toEqual(['Ready=False Progressing', 'Reconciling=True Progressing']);
    expect(cluster.websites()[0]?.status).toMatchObject({ observedGeneration: 2, replicas: 2 });
    expect(cluster.announced.map(({ reason }) => reason)).toEqual(['Progressing']);
  });

  it('that a policy refuses gets a second status, and no third', async () => {
    cluster.apply(key, NEW);
    cluster.replace = async () => Promise.reject(new ClusterError('Invalid', 'no such image'));
    expect((await run()).actions).toEqual(['update status', 'update status']);
    expect(conditions()).toEqual(['Ready=False Rejected', 'Stalled=True Rejected']);
    expect(cluster.announced.map(({ reason }) => reason)).toEqual(['Rejected']);
    const { writes } = cluster;
    expect((await run()).actions).toEqual([]);
    expect(cluster.writes).toBe(writes);
  });

  it('that a policy changes gets a second status, which says so', async () => {
    cluster.apply(key, NEW);
    cluster.admit = (child: Child) =>
      child.kind === 'Deployment' ? { ...child, spec: { ...child.spec, replicas: 1 } } : child;
    await run();
    expect(conditions()).toContain('Stalled=True Overridden');
  });

  it('whose status is refused has its Deployment, and its run fails', async () => {
    cluster.apply(key, NEW);
    cluster.updateStatus = async () => Promise.reject(new ClusterError('Unavailable', 'later'));
    await expect(run()).rejects.toMatchObject({ code: 'Unavailable' });
    expect(calls).toContain('replace Deployment ended');
  });

  it('reports both writes if the Deployment was refused, and the status was not', async () => {
    cluster.apply(key, NEW);
    cluster.replace = async () => Promise.reject(new ClusterError('Unavailable', 'later'));
    const done = nothingDone();
    await expect(reconcile(key, { cluster, now: () => NOW }, {}, done)).rejects.toMatchObject({ code: 'Unavailable' });
    expect(done.actions).toEqual(['update status']);
  });

  it('whose status was refused leaves no problem behind if another run has written both meanwhile', async () => {
    cluster.apply(key, NEW);
    const racing = around(cluster, async ({ verb }, proceed) => {
      if (verb === 'update status') throw new ClusterError('Invalid', 'not now');
      if (verb === 'replace') await reconcile(key, { cluster, now: () => NOW });
      return proceed();
    });
    const done = nothingDone();
    await reconcile(key, { cluster: racing, now: () => NOW }, {}, done);
    expect(done.statusProblem).toBeUndefined();
    expect(conditions()).toEqual(['Ready=False Progressing', 'Reconciling=True Progressing']);
  });
});

describe('The status comes after all other writes', () => {
  it.each<[string, object]>([
    ['if a route is added', { ...SPEC, host: 'shop.example.com' }],
    ['if an optional child has to be written too', { ...NEW, disruptionBudget: undefined }],
    ['if labels of the Service change too', { ...NEW, childMetadata: { labels: { team: 'web' } } }],
  ])('%s', async (_, spec) => {
    cluster.apply(key, spec);
    await run();
    expect(calls.indexOf('update status Website')).toBe(calls.length - 2);
  });

  it('if the change starts no rollout, and the site stays Ready', async () => {
    cluster.apply(key, { ...SPEC, host: undefined, securityProfile: 'baseline' });
    expect((await run()).actions).toEqual(['replace Deployment', 'update status']);
    expect(conditions()).toEqual(['Ready=True Available']);
    expect(calls.indexOf('update status Website')).toBe(calls.length - 2);
  });

  it('if the Deployment claims that its controller is ahead', async () => {
    const [deployment] = cluster.children();
    if (deployment?.kind === 'Deployment')
      cluster.edit(deployment, { status: { ...deployment.status, observedGeneration: 99 } });
    cluster.apply(key, NEW);
    await run();
    expect(calls.indexOf('update status Website')).toBe(calls.length - 2);
  });

  it('if an earlier run has judged this spec already', async () => {
    cluster.apply(key, NEW);
    const replace = cluster.replace.bind(cluster);
    cluster.replace = async () => Promise.reject(new ClusterError('Unavailable', 'later'));
    await expect(run()).rejects.toThrow('later');
    cluster.replace = replace;
    calls = [];
    cluster.admit = (child: Child) =>
      child.kind === 'Deployment' ? { ...child, spec: { ...child.spec, replicas: 1 } } : child;
    await run();
    expect(calls.indexOf('update status Website')).toBeGreaterThan(calls.indexOf('replace Deployment ended'));
  });
});
