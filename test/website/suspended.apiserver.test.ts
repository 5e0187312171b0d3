// How health gates judge a suspended Website, and when the status has a URL, on the real API server.
import { expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { Website } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { run as program } from '../kubernetes/kubectl.ts';
import { around, callText } from '../cluster/around.ts';
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

/** The Deployment is of the second generation, and no status is. The third one is suspended. */
async function suspendedUnjudged(): Promise<void> {
  await createWebsite(site.admin, site.key, { image: 'nginx:1', replicas: 1 });
  await settles();
  await patchWebsite(site.admin, site.key, { spec: { image: 'nginx:2' } });
  const cluster = around(kubernetes(site.functions), async (call, proceed) => {
    if (callText(call) === 'update status Website') throw new ClusterError('Timeout', 'no answer');
    return proceed();
  });
  await expect(reconcile(site.key, { cluster, now: () => new Date() })).rejects.toThrow('no answer');
  await patchWebsite(site.admin, site.key, { spec: { image: 'nginx:3', suspend: true } });
}

const SUSPENDED = {
  image: 'nginx:3',
  reason: 'Suspended',
  message: expect.stringContaining('Deployment differs from the spec') as string,
};
const READY = { image: 'nginx:1', readyAt: expect.any(String) as string };

it('The history has the generation that is running, although its status was never written', async () => {
  await suspendedUnjudged();
  expect((await run()).actions).toEqual(['update status']);
  const { history } = (await read()).status ?? {};
  expect(history).toMatchObject([SUSPENDED, { image: 'nginx:2', message: expect.any(String) as string }, READY]);
  // The Pods of generation 2 take a moment.
  await eventually(async () => expect((await run()).actions).toEqual([]));
  expect((await read()).status?.history).toEqual(history);
});

it('The history does not call an image that somebody set by hand that of a generation', async () => {
  await suspendedUnjudged();
  const deployment = `/apis/apps/v1/namespaces/${site.key.namespace}/deployments/shop-deployment`;
  const path = '/spec/template/spec/containers/0/image';
  await patch(site.admin, `${deployment}?fieldManager=kubectl-set`, [{ op: 'replace', path, value: 'nginx:hand' }]);
  await run();
  expect((await read()).status?.history).toMatchObject([SUSPENDED, READY]);
});
