// Autoscaling with the real controllers and kubectl. Without metrics, an autoscaler only enforces its limits.
import { describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import { lastWriterOf } from '../../../functions/website/plan/field-writers.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { API_VERSION, KIND, type Website } from '../../../functions/website/resource.ts';
import { oneWebsite } from '../../accounts.ts';
import { eventually } from '../../eventually.ts';
import { quietly } from '../../kubernetes/kubectl.ts';
import { createWebsite, patch, patchWebsite } from '../../real-cluster.ts';

const site = oneWebsite('autoscaling');
/** An autoscaler acts every 15 s. */
const PATIENT = { deadlineMs: 90_000, everyMs: 250 };
/** The API server's error about the scale of a Website without replicas. */
const NO_NUMBER = /the spec replicas field ".spec.replicas" does not exist/;
const SLOW = { timeout: 200_000 };

const run = () => reconcile(site.key, { cluster: kubernetes(site.functions), now: () => new Date() });
const writes = async () => (await run()).actions.filter((action) => action !== 'update status');
/** Runs until nothing is left to write. */
const settle = () => eventually(async () => expect(await writes()).toEqual([]));

async function live(): Promise<Website> {
  const website = await kubernetes(site.admin).getWebsite(site.key);
  if (website === undefined) throw new Error('The Website is gone');
  return website;
}
async function deployment() {
  const found = await kubernetes(site.admin).getChild('Deployment', site.key);
  if (found === undefined) throw new Error('There is no Deployment');
  return found;
}
const specReplicas = async () => ((await live()).spec as { readonly replicas?: number }).replicas;
const replicas = async () => (await deployment()).spec.replicas;

const kubectl = (args: readonly string[], input = '') =>
  quietly(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), '-n', site.key.namespace, ...args], input);
const scaleTo = (number: number) => kubectl(['scale', 'website/shop', `--replicas=${number}`]);

describe('A site with its own autoscaler', () => {
  it('is scaled by the autoscaler alone, and the functions then write nothing', SLOW, async () => {
    await createWebsite(site.admin, site.key, { image: 'nginx:1', autoscaling: { maxReplicas: 4 } });
    await settle();
    expect(await replicas()).toBe(1);
    await patchWebsite(site.admin, site.key, { spec: { autoscaling: { minReplicas: 3 } } });
    await settle();
    // The autoscaler wrote the replicas, and not a run.
    await eventually(async () => expect(await replicas()).toBe(3), PATIENT);
    expect(lastWriterOf(await deployment(), 'spec.replicas')).toEqual({
      by: 'other',
      manager: expect.stringContaining('kube-controller-manager') as string,
    });
    expect(await writes()).toEqual([]);
    await eventually(async () => {
      await run();
      expect((await live()).status).toMatchObject({ replicasSet: 3, availableReplicas: 3 });
    });
    expect(await kubectl(['get', 'website', 'shop', '--no-headers'])).toMatch(/True +nginx:1 +3 +3 +Available/);
    const described = await kubectl(['describe', 'hpa', 'shop-horizontalpodautoscaler']);
    expect(described).toContain('FailedGetResourceMetric');

    await patchWebsite(site.admin, site.key, { spec: { image: 'nginx:2' } });
    await settle();
    expect(await replicas()).toBe(3);
  });

  it('stays parked, and starts with minReplicas', SLOW, async () => {
    const autoscaling = { minReplicas: 2, maxReplicas: 4 };
    await createWebsite(site.admin, site.key, { image: 'nginx:1', replicas: 0, autoscaling });
    await settle();
    // Wait until the autoscaler has acted.
    await eventually(async () => {
      const { status } = (await kubernetes(site.admin).getChild('HorizontalPodAutoscaler', site.key)) ?? {};
      expect(status).toMatchObject({
        conditions: expect.arrayContaining([
          expect.objectContaining({ type: 'ScalingActive', reason: 'ScalingDisabled' }),
        ]) as unknown,
      });
    }, PATIENT);
    expect(await replicas()).toBe(0);
    await eventually(async () => {
      await run();
      expect((await live()).status?.conditions).toMatchObject([{ status: 'True', reason: 'Parked' }]);
    });
    await patchWebsite(site.admin, site.key, { spec: { replicas: null } });
    await settle();
    expect(await replicas()).toBe(2);
  });

  it('has the replicas of the spec again once its autoscaler is removed', async () => {
    await createWebsite(site.admin, site.key, { image: 'nginx:1', autoscaling: { minReplicas: 2, maxReplicas: 4 } });
    await settle();
    await patchWebsite(site.admin, site.key, { spec: { autoscaling: null, replicas: 1 } });
    await settle();
    expect(await replicas()).toBe(1);
    expect(await kubectl(['get', 'hpa', '--ignore-not-found'])).toBe('');
  });
});

const manifest = (spec: object) =>
  JSON.stringify({ apiVersion: API_VERSION, kind: KIND, metadata: { name: 'shop' }, spec });
const EXTERNAL = { image: 'nginx:1', autoscaling: { external: true } };

describe.each([
  ['on the client side', ['apply', '-f', '-']],
  ['on the server side', ['apply', '--server-side', '-f', '-']],
])('A manifest that is applied %s', (_, apply) => {
  const applied = async (spec: object) => (await kubectl(apply, manifest(spec))).trim();

  it('without replicas starts with 1, and keeps the present scale when it is applied again', async () => {
    await applied(EXTERNAL);
    await settle();
    expect([await specReplicas(), await replicas()]).toEqual([1, 1]);
    for (const number of [3, 0, 2]) {
      await scaleTo(number);
      await applied(EXTERNAL);
      await settle();
      expect([await specReplicas(), await replicas()]).toEqual([number, number]);
    }
  });

  it('may drop its replicas, and the site keeps its Pods', async () => {
    await applied({ image: 'nginx:1', replicas: 3 });
    await settle();
    await applied(EXTERNAL);
    await settle();
    expect([await specReplicas(), await replicas()]).toEqual([3, 3]);
    await scaleTo(2);
    await applied(EXTERNAL);
    await settle();
    expect(await replicas()).toBe(2);
  });

  it('may add replicas again, and 0 parks the site', async () => {
    await applied(EXTERNAL);
    await settle();
    await applied({ ...EXTERNAL, replicas: 0 });
    await settle();
    expect(await replicas()).toBe(0);
    await applied(EXTERNAL);
    await settle();
    expect([await specReplicas(), await replicas()]).toEqual([1, 1]);
  });
});

it('An HPA of the Website scales it, and a manifest without replicas keeps that scale', SLOW, async () => {
  await kubectl(['apply', '-f', '-'], manifest(EXTERNAL));
  await settle();
  const scaleTargetRef = { apiVersion: API_VERSION, kind: KIND, name: 'shop' };
  await site.admin.json({
    method: 'POST',
    path: `/apis/autoscaling/v2/namespaces/${site.key.namespace}/horizontalpodautoscalers`,
    what: 'create an autoscaler',
    body: { metadata: { name: 'theirs' }, spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 4 } },
  });
  await eventually(async () => expect(await specReplicas()).toBe(2), PATIENT);
  await kubectl(['apply', '-f', '-'], manifest(EXTERNAL));
  await settle();
  expect([await specReplicas(), await replicas()]).toEqual([2, 2]);
});

it('The scale of a Website without replicas can be read after the first run', async () => {
  await createWebsite(site.admin, site.key, EXTERNAL);
  const path = `/apis/${API_VERSION}/namespaces/${site.key.namespace}/websites/shop/scale`;
  const scale = () => site.admin.json({ method: 'GET', path, what: 'get the scale' });
  await expect(scale()).rejects.toThrow(NO_NUMBER);
  await run();
  expect(await scale()).toMatchObject({ spec: { replicas: 1 } });
});

it(
  "A Deployment with an autoscaler that somebody scales by hand stays within the autoscaler's limits",
  SLOW,
  async () => {
    await createWebsite(site.admin, site.key, { image: 'nginx:1', autoscaling: { minReplicas: 2, maxReplicas: 3 } });
    await settle();
    const path = `/apis/apps/v1/namespaces/${site.key.namespace}/deployments/shop-deployment`;
    await patch(site.admin, path, { spec: { replicas: 4 } });
    expect(await writes()).toEqual([]);
    await eventually(async () => expect(await replicas()).toBe(3), PATIENT);
    expect(await writes()).toEqual([]);
  },
);
