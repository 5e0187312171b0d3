// How health gates judge a suspended Website, and when the status has a URL, on the real API server.
import { expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import type { Website } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { run as program } from '../kubernetes/kubectl.ts';
import { createWebsite, patch, patchWebsite } from '../real-cluster.ts';
import { oneWebsite } from '../accounts.ts';

const site = oneWebsite('suspended');

const run = () => reconcile(site.key, { cluster: kubernetes(site.functions), now: () => new Date() });
const read = async (): Promise<Website> => {
  const website = await kubernetes(site.admin).getWebsite(site.key);
  if (website === undefined) throw new Error('The Website is gone');
  return website;
};
const settles = () =>
  eventually(async () => expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Available' }));

/** Whether `kubectl wait` sees the Website Ready, of its latest generation. */
async function isWaitedFor(): Promise<boolean> {
  const cluster = ['--kubeconfig', inject('kubeconfig'), '-n', site.key.namespace];
  const wait = ['wait', '--for=condition=Ready', 'website/shop', '--timeout=1s'];
  const { code } = await program(inject('kubectl'), [...cluster, ...wait]);
  return code === 0;
}

/**
 * The rules by which Flux and other users of kstatus judge a custom resource.
 * Source: pkg/kstatus/status/generic.go in github.com/kubernetes-sigs/cli-utils.
 */
function kstatus({ metadata, status }: Website): 'Current' | 'InProgress' | 'Failed' {
  if (status?.observedGeneration !== metadata.generation) return 'InProgress';
  const { conditions = [] } = status ?? {};
  const value = (type: string) => conditions.find((condition) => condition.type === type)?.status;
  if (value('Reconciling') === 'True') return 'InProgress';
  if (value('Stalled') === 'True') return 'Failed';
  return value('Ready') === 'True' ? 'Current' : 'InProgress';
}

it('A suspended Website passes health gates only while its children match the spec', async () => {
  await createWebsite(site.admin, site.key, { image: 'nginx:1', replicas: 1 });
  await settles();
  await patchWebsite(site.admin, site.key, { spec: { suspend: true } });
  expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Suspended' });
  expect([await isWaitedFor(), kstatus(await read())]).toEqual([true, 'Current']);

  const deployment = `/apis/apps/v1/namespaces/${site.key.namespace}/deployments/shop-deployment`;
  await patch(site.admin, deployment, { spec: { replicas: 2 } });
  await run();
  expect([await isWaitedFor(), kstatus(await read())]).toEqual([false, 'InProgress']);
  // The status counts the Pods, although no child is written.
  await eventually(async () => {
    expect((await run()).actions.filter((action) => action !== 'update status')).toEqual([]);
    expect((await read()).status).toMatchObject({ availableReplicas: 2, replicasSet: 2 });
  });

  await patch(site.admin, deployment, { spec: { replicas: 1 } });
  await eventually(async () => {
    await run();
    expect(kstatus(await read())).toBe('Current');
  });
});

it('The status has no URL while the API server refuses the Ingress, and has one once it accepts it', async () => {
  // A name to the schema, and an address to the validation of Ingresses.
  await createWebsite(site.admin, site.key, { image: 'nginx:1', replicas: 1, host: '10.0.0.1' });
  await eventually(async () => expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'Rejected' }));
  expect((await read()).status).not.toHaveProperty('url');
  await patchWebsite(site.admin, site.key, { spec: { host: 'shop.example.com', tlsSecretName: 'tls' } });
  await settles();
  expect((await read()).status).toMatchObject({ url: 'https://shop.example.com' });
});
