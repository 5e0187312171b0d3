// The condition of a Website while the real Deployment controller rolls it out, or fails to.
import { beforeEach, expect, inject, it } from 'vitest';
import { kubernetes } from '../../../../functions/cluster/kubernetes.ts';
import { reconcile } from '../../../../functions/website/reconcile.ts';
import { eventually } from '../../../eventually.ts';
import { quietly } from '../../../kubernetes/kubectl.ts';
import { createWebsite, patch, patchWebsite } from '../../../real-cluster.ts';
import { oneWebsite } from '../../../accounts.ts';

const site = oneWebsite('rollout');
beforeEach(async () => {
  await createWebsite(site.admin, site.key, { image: 'nginx:1', replicas: 2 });
  await says(/^True Available: /);
});

const run = () => reconcile(site.key, { cluster: kubernetes(site.functions), now: () => new Date() });
const kubectl = (...args: string[]) =>
  quietly(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), '-n', site.key.namespace, ...args]);
const deployment = (spec: object) =>
  patch(site.admin, `/apis/apps/v1/namespaces/${site.key.namespace}/deployments/shop-deployment`, { spec });

/** Reconciles until the condition Ready matches. */
async function says(text: RegExp): Promise<void> {
  await eventually(async () => {
    await run();
    const website = await kubernetes(site.admin).getWebsite(site.key);
    const ready = website?.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(`${ready?.status} ${ready?.reason}: ${ready?.message}`).toMatch(text);
  });
}

/** No node has this label, so the Pods stay Pending, which stands for an image that cannot be pulled. */
const NOWHERE = { template: { spec: { nodeSelector: { 'example.com/nowhere': 'true' } } } };

it('A new image whose Pods do not start is Progressing, and after its deadline the message says that the old Pods serve', async () => {
  await deployment(NOWHERE);
  await patchWebsite(site.admin, site.key, { spec: { image: 'nginx:2' } });
  await says(/^False Progressing: 1 of 2 replicas are updated$/);
  await deployment({ progressDeadlineSeconds: 1 });
  await says(
    /^False ProgressDeadlineExceeded: nginx:2 did not become ready in time: 1 of 2 replicas are updated, 0 of them are ready, and 2 old replicas still serve: ReplicaSet "shop-deployment-\w+" has timed out progressing\. Unschedulable: 0\/1 nodes are available: .*$/,
  );
  // The Pod of the rollout before may still be there.
  await eventually(async () => {
    await run();
    expect(await kubernetes(site.admin).getWebsite(site.key)).toMatchObject({
      status: { replicas: 3, availableReplicas: 2 },
    });
  });
});

it('The message about a paused Deployment has the command that resumes it, and the command works', async () => {
  await kubectl('rollout', 'pause', 'deployment/shop-deployment');
  await patchWebsite(site.admin, site.key, { spec: { image: 'nginx:2' } });
  const command = `kubectl rollout resume deployment/shop-deployment -n ${site.key.namespace}`;
  await says(new RegExp(`^False Paused: The Deployment is paused: 0 of 2 replicas are updated. To go on: ${command}$`));
  await kubectl(...command.split(' ').slice(1, 4));
  await says(/^True Available: 2 replicas are available$/);
  expect(await kubernetes(site.admin).getChild('Deployment', site.key)).not.toMatchObject({ spec: { paused: true } });
});

it('The column AVAILABLE counts available Pods, and not ready ones', async () => {
  await deployment({ minReadySeconds: 300, template: { metadata: { annotations: { example: 'new Pods' } } } });
  await says(/^False Progressing: /);
  await eventually(async () => {
    await run();
    const status = (await kubernetes(site.admin).getWebsite(site.key))?.status;
    expect((status?.readyReplicas ?? 0) - (status?.availableReplicas ?? 0)).toBe(1);
    const [heads = '', row = ''] = (await kubectl('get', 'websites')).split('\n').map((line) => line.split(/\s+/));
    expect(row[heads.indexOf('AVAILABLE')]).toBe(String(status?.availableReplicas));
  });
});
