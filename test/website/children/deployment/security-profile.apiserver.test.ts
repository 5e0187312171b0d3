import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { kubernetes } from '../../../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../../../functions/cluster/transport.ts';
import { reconcile } from '../../../../functions/website/reconcile.ts';
import { eventually } from '../../../eventually.ts';
import { aWebsite, SPEC } from '../../../fixtures/websites.ts';
import { createNamespace, createWebsite, patch } from '../../../real-cluster.ts';
import { desiredChild } from '../../../fixtures/children.ts';

let admin: Transport;
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());

const FILES = [
  { path: '/usr/share/nginx/html', image: { reference: 'registry.example.com/pages:1' } },
  { path: '/etc/nginx/conf.d', configMap: { name: 'nginx' } },
  { path: '/etc/keys', secret: { name: 'keys' } },
  { path: '/tmp', emptyDir: {} },
];

/** Creates a Pod of the Deployment's template in a dry run, so that Pod Security admission judges it. */
async function admit(
  securityProfile: 'baseline' | 'restricted',
  standard: 'baseline' | 'restricted',
  files: readonly object[] = [],
): Promise<unknown> {
  const namespace = await createNamespace(admin, 'profile');
  await patch(admin, `/api/v1/namespaces/${namespace}`, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': standard } },
  });
  const path = `/api/v1/namespaces/${namespace}`;
  // A Pod needs the default ServiceAccount, which a controller creates.
  await eventually(() => admin.json({ method: 'GET', path: `${path}/serviceaccounts/default`, what: 'look' }));
  const deployment = desiredChild('Deployment', aWebsite(), { ...SPEC, securityProfile, files });
  const { spec } = deployment.spec.template;
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace }, spec };
  return admin.json({
    method: 'POST',
    path: `${path}/pods?dryRun=All&fieldValidation=Strict`,
    what: 'admit a Pod',
    body,
  });
}

it('The restricted profile satisfies the Pod Security Standard restricted', async () => {
  await expect(admit('restricted', 'restricted')).resolves.toMatchObject({ kind: 'Pod' });
});

it('Files of each kind satisfy the Pod Security Standard restricted too', async () => {
  await expect(admit('restricted', 'restricted', FILES)).resolves.toMatchObject({ kind: 'Pod' });
});

it('The baseline profile satisfies the standard baseline, and not restricted', async () => {
  await expect(admit('baseline', 'baseline')).resolves.toMatchObject({ kind: 'Pod' });
  await expect(admit('baseline', 'restricted')).rejects.toThrow('violates PodSecurity "restricted:latest"');
});

it('A Pod gets no token of the API server', async () => {
  const pod = (await admit('baseline', 'baseline')) as { spec: { volumes?: object[] } };
  expect(pod.spec.volumes ?? []).toEqual([]);
});

interface DeploymentStatus {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly message: string }[] };
}

it('In a namespace that enforces restricted, a Deployment patched by hand to violate it gets no Pod', async () => {
  const namespace = await createNamespace(admin, 'profile');
  await patch(admin, `/api/v1/namespaces/${namespace}`, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const key = { namespace, name: 'shop' };
  await createWebsite(admin, key, { ...SPEC, replicas: 1, securityProfile: 'restricted' });
  await reconcile(key, { cluster: kubernetes(admin), now: () => new Date() });
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/shop-deployment`;
  const look = async () => (await admin.json({ method: 'GET', path, what: 'get' })) as DeploymentStatus;
  await eventually(async () => expect(await look()).toMatchObject({ status: { availableReplicas: 1 } }));
  await patch(admin, path, { spec: { template: { spec: { hostPID: true } } } });
  await eventually(async () =>
    expect((await look()).status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'ReplicaFailure',
        message: expect.stringContaining('violates PodSecurity "restricted:latest": host namespaces') as string,
      }),
    ),
  );
});
