// Writes that the API server refused in the last reconcile, and that the next reconcile sends again.
import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { explain } from '../../infra/cli/explain/explain.ts';
import { explanationText } from '../../infra/cli/explain/explain-text.ts';
import { fleetAnswer, planFleet } from '../../infra/cli/plan/fleet.ts';
import { planAnswer } from '../../infra/cli/plan/plan.ts';
import { planned } from '../../infra/cli/plan/planned.ts';
import { around } from '../cluster/around.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW } from '../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const now = () => NOW;
const SPEC = { image: 'nginx:1', replicas: 2 };
let cluster: MemoryCluster;

beforeEach(() => {
  cluster = new MemoryCluster();
});

/** Reconciles while there is no room for a Deployment, and while a policy forbids each change of one. */
async function reconcileRefused(): Promise<void> {
  const refusing = around(cluster, async ({ verb, kind }, proceed) => {
    if (kind === 'Deployment' && verb === 'create') throw new ClusterError('QuotaExceeded', 'exceeded quota: none');
    if (kind === 'Deployment' && verb === 'replace') throw new ClusterError('PolicyDenied', 'denied request: no');
    return proceed();
  });
  await reconcile(key, { cluster: refusing, now });
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    await reconcile(key, { cluster, now });
    cluster.rollOut();
  }
}

const plan = async () => planned(key, cluster, now);
const target = () => ({ cluster, now, transport: undefined as never });
const fleet = async () => fleetAnswer(await planFleet(target(), () => {})).text;

describe('The plan of a Website whose last reconcile was refused', () => {
  it('says so before the writes, and promises no success', async () => {
    cluster.apply(key, SPEC);
    await reconcileRefused();
    const { refusedLastTime, changes } = await plan();
    expect(refusedLastTime).toEqual({ reason: 'QuotaExceeded', message: 'exceeded quota: none' });
    expect(changes.map(({ verb, kind }) => `${verb} ${kind}`)).toContain('create Deployment');
    const { text } = planAnswer([await plan()]);
    expect(text).toContain(
      'The API server refused a write last time (QuotaExceeded): exceeded quota: none\n  The functions try again what they could not write:\n  + create Deployment',
    );
    expect(text).toContain('If the API server accepts it, Ready is False (Progressing)');
    expect(text).toContain('0 of 1 Website would change');
    expect(text).toContain('1 would be tried again and was refused last time, which counts as no change.');
  });

  it('is no change for a script: neither in the exit code nor in the data', async () => {
    cluster.apply(key, SPEC);
    await reconcileRefused();
    for (const { code } of [fleetAnswer(await planFleet(target(), () => {})), planAnswer([await plan()])])
      expect(code).toBe(0);
    const other = { namespace: 'team-a', name: 'other' };
    const { data } = fleetAnswer(await planFleet(target(), () => {}));
    expect(data).toMatchObject({ seen: 1, changing: [], triedAgain: [{ website: 'team-a/shop' }] });

    cluster.apply(other, SPEC);
    const both = fleetAnswer(await planFleet(target(), () => {}));
    expect(both.code).toBe(3);
    expect(both.data).toMatchObject({
      seen: 2,
      changing: [{ website: 'team-a/other' }],
      triedAgain: [{ website: 'team-a/shop' }],
    });
    const plans = [await plan(), await planned(other, cluster, now)];
    expect(planAnswer(plans).code).toBe(3);
  });

  it('is a change if the API server, asked with a dry run, accepts the writes now', async () => {
    cluster.apply(key, SPEC);
    await reconcileRefused();
    const accept = async (object: never) => ({ ...(object as object) }) as never;
    const server = { create: accept, updateStatus: accept } as never;
    const accepted = fleetAnswer(await planFleet({ ...target(), server }, () => {}));
    expect(accepted.code).toBe(3);
    expect(accepted.text).toContain('1 of 1 Website would change.');
  });

  it('says so if a policy refused the write', async () => {
    cluster.apply(key, SPEC);
    await settle();
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    await reconcileRefused();
    expect((await plan()).refusedLastTime).toMatchObject({ reason: 'Rejected' });
    expect(await fleet()).toMatch(/^team-a\/shop: not written last time \(Rejected\), tried again: update Deployment/);
    expect(await fleet()).toMatch(
      /^0 of 1 Website would change\..* 1 would be tried again and was refused last time, which counts as no change\.$/m,
    );
  });

  it('no longer says so after a new spec, or after a change of an accepted child', async () => {
    cluster.apply(key, SPEC);
    await settle();
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    await reconcileRefused();
    cluster.apply(key, { ...SPEC, image: 'nginx:3' });
    expect((await plan()).refusedLastTime).toBeUndefined();

    cluster.apply(key, { ...SPEC, image: 'nginx:4' });
    await reconcileRefused();
    const service = await cluster.getChild('Service', key);
    if (service === undefined) throw new Error('no Service');
    cluster.edit(service, { metadata: { ...service.metadata, labels: { app: 'other' } } });
    expect((await plan()).refusedLastTime).toBeUndefined();
    expect(await fleet()).toContain('1 of 1 Website would change.');
  });

  it('is shortened by explain to the refusal, without single fields', async () => {
    cluster.apply(key, SPEC);
    await reconcileRefused();
    const [website] = cluster.websites();
    if (website === undefined) throw new Error('no Website');
    const transport = { sized: async () => ({ value: { items: [], metadata: {} }, bytes: 0 }) } as never;
    const text = explanationText(await explain(website, { cluster, transport, now: NOW, defaults: {} }), NOW);
    expect(text).toMatch(
      /The next reconcile\n {2}tries again what was not written last time, because the API server refused a write: create Deployment, create PodDisruptionBudget\. /,
    );
    expect(text).toContain('website plan team-a/shop');
    expect(text).not.toContain('spec.template');
  });
});

it('A plan that only changes a status says so, and counts no other change', async () => {
  cluster.apply(key, SPEC);
  await reconcile(key, { cluster, now });
  cluster.rollOut();
  expect(planAnswer([await plan()]).text).toContain(
    '0 of 1 Website would change: 0 to create, 0 to update, 0 to delete. Pods would be replaced in 0. Only the status would change in 1.',
  );
  expect(await fleet()).toContain('Only the status would change in 1.');
  expect(planAnswer([await plan()]).code).toBe(3);
  expect(fleetAnswer(await planFleet(target(), () => {})).code).toBe(3);
});
