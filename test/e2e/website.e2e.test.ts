// The whole system, as npm start runs it: the forwarder and the functions as programs, each with its own rights.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { askingFor } from '../fixtures/asking.ts';
import { startFunctions, startForwarder, type Program } from '../program.ts';
import { createNamespace, createWebsite, patch, patchWebsite, remove, removeWebsite } from '../real-cluster.ts';

import { CHILD_KINDS, kindOf, type ChildKind } from '../../functions/website/children/kinds.ts';
import { apiPath } from '../../functions/website/resource.ts';

let admin: Transport;
let cluster: Cluster;
let key: WebsiteKey;
const programs: Program[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  cluster = kubernetes(admin);
  key = { namespace: await createNamespace(admin, 'e2e'), name: 'shop' };
  const functions = startFunctions({
    KUBECONFIG: inject('functionsKubeconfig'),
    RESYNC_INTERVAL_SECONDS: '0',
  });
  const sink = String((await functions.line('Listening'))['url']);
  const args = ['--sink', sink, '--host', '127.0.0.1', '--port', '0'];
  const forwarder = startForwarder(args, { KUBECONFIG: inject('forwarderKubeconfig') });
  await forwarder.line('Listening');
  programs.push(functions, forwarder);
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await admin.close();
});

const child = <Kind extends ChildKind>(kind: Kind) => cluster.getChild(kind, key);
const deploymentPath = () => `/apis/apps/v1/namespaces/${key.namespace}/deployments/shop-deployment`;
const container = async () => (await child('Deployment'))?.spec.template.spec?.containers[0];

/** Waits until the Website is ready for its present spec. */
async function isReady(replicas: number): Promise<void> {
  await eventually(async () => {
    const website = await cluster.getWebsite(key);
    expect(website?.status?.observedGeneration).toBe(website?.metadata.generation);
    expect(website?.status).toMatchObject({
      replicas,
      readyReplicas: replicas,
      conditions: [{ type: 'Ready', status: 'True' }],
    });
  });
}

it('A new Website becomes ready with all its children', async () => {
  await createWebsite(admin, key, { image: 'nginx:1.29', replicas: 2, host: 'shop.example.com' });
  await isReady(2);
  expect(await child('Service')).toMatchObject({ spec: { ports: [{ port: 80 }] } });
  expect(await child('Ingress')).toMatchObject({ spec: { rules: [{ host: 'shop.example.com' }] } });
  expect(await child('PodDisruptionBudget')).toMatchObject({ spec: { maxUnavailable: 1 } });
});

it('A change of the image is rolled out', async () => {
  await patchWebsite(admin, key, { spec: { image: 'nginx:1.30' } });
  await isReady(2);
  expect(await container()).toMatchObject({ image: 'nginx:1.30' });
});

it("kubectl scale changes the replicas, and the scale's selector finds the Pods", async () => {
  const scalePath = `/apis/stable.example.com/v1/namespaces/${key.namespace}/websites/shop/scale`;
  await patch(admin, scalePath, { spec: { replicas: 4 } });
  await isReady(4);
  const scale = (await admin.json({ method: 'GET', path: scalePath, what: 'get the scale' })) as {
    status: { selector: string };
  };
  const path = `/api/v1/namespaces/${key.namespace}/pods?labelSelector=${encodeURIComponent(scale.status.selector)}`;
  // Pods of the previous image may still be ending.
  await eventually(async () => {
    const pods = (await admin.json({ method: 'GET', path, what: 'list the Pods' })) as { items: object[] };
    expect(pods.items).toHaveLength(4);
  });
});

it.each([
  ['wiped', { status: null }],
  ['edited', { status: { replicas: 99, url: 'http://elsewhere', conditions: [] } }],
])('The functions restore a status that was %s by hand', async (_, edit) => {
  const before = await cluster.getWebsite(key);
  const path = `/apis/stable.example.com/v1/namespaces/${key.namespace}/websites/shop/status?fieldManager=kubectl-edit`;
  await patch(admin, path, edit);
  await isReady(4);
  await eventually(async () => {
    const now = (await cluster.getWebsite(key))?.status;
    expect(now).toMatchObject({ replicas: 4, url: before?.status?.url });
  });
});

it('The functions restore a Deployment that was edited by hand', async () => {
  await patch(admin, deploymentPath(), { spec: { replicas: 1, template: { metadata: { labels: { note: 'mine' } } } } });
  await isReady(4);
  await eventually(async () => expect((await child('Deployment'))?.spec).toMatchObject({ replicas: 4 }));
});

it.each(CHILD_KINDS)('The functions recreate a %s that was deleted by hand', async (kind) => {
  const asked = askingFor(kind);
  const { spec = {} } = (await cluster.getWebsite(key)) as { spec?: Readonly<Record<string, unknown>> };
  await patchWebsite(admin, key, { spec: asked });
  await eventually(async () => expect(await child(kind)).toBeDefined());
  const before = await child(kind);
  const { name, namespace } = before?.metadata ?? { name: '', namespace: '' };
  const { apiVersion, plural } = kindOf(kind);
  await remove(admin, `${apiPath(apiVersion)}/namespaces/${namespace}/${plural}/${name}`);
  await eventually(async () => {
    const after = await child(kind);
    expect(after).toBeDefined();
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
  });
  const asBefore = Object.keys(asked).map((field) => [field, spec[field] ?? null]);
  await patchWebsite(admin, key, { spec: Object.fromEntries(asBefore) as object });
  await isReady(4);
});

it('A request to reconcile is acknowledged', async () => {
  await patchWebsite(admin, key, { metadata: { annotations: { 'websites.stable.example.com/requestedAt': 'now-1' } } });
  await eventually(async () => expect((await cluster.getWebsite(key))?.status?.lastHandledReconcileAt).toBe('now-1'));
});

it('A suspended Website keeps its children until it is resumed', async () => {
  await patchWebsite(admin, key, { spec: { suspend: true, replicas: 1 } });
  await eventually(async () =>
    expect((await cluster.getWebsite(key))?.status).toMatchObject({
      conditions: [{ type: 'Ready', status: 'Unknown', reason: 'Suspended' }],
    }),
  );
  expect((await child('Deployment'))?.spec.replicas).toBe(4);
  await patchWebsite(admin, key, { spec: { suspend: false } });
  await isReady(1);
});

it('Removing the host from the spec deletes the Ingress', async () => {
  await patchWebsite(admin, key, { spec: { host: null } });
  await eventually(async () => expect(await child('Ingress')).toBeUndefined());
  await isReady(1);
});

it('A Website deleted and created again under its name gets new children', async () => {
  const before = await child('Deployment');
  await removeWebsite(admin, key);
  await createWebsite(admin, key, { image: 'nginx:1.31', replicas: 1 });
  await isReady(1);
  expect((await child('Deployment'))?.metadata.uid).not.toBe(before?.metadata.uid);
});

it('Deleting a Website deletes its children', async () => {
  await removeWebsite(admin, key);
  await eventually(async () =>
    expect(await Promise.all([child('Deployment'), child('Service')])).toEqual([undefined, undefined]),
  );
});

it('P7: a stalled Website delays no other', async () => {
  const foreign = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'poison-service' },
    spec: { ports: [{ port: 1 }] },
  };
  await admin.json({
    method: 'POST',
    path: `/api/v1/namespaces/${key.namespace}/services`,
    what: 'create',
    body: foreign,
  });
  await createWebsite(admin, { ...key, name: 'poison' }, { image: 'nginx:1', replicas: 1 });
  await createWebsite(admin, key, { image: 'nginx:1', replicas: 1 });
  await isReady(1);
  await eventually(async () =>
    expect((await cluster.getWebsite({ ...key, name: 'poison' }))?.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'NameConflict' },
      { type: 'Stalled', status: 'True' },
    ]),
  );
});

it('A Website that a quota refused becomes ready within a minute of a larger quota, without an event', async () => {
  const late = { namespace: await createNamespace(admin, 'e2e-quota'), name: 'late' };
  const quotas = `/api/v1/namespaces/${late.namespace}/resourcequotas`;
  const hard = (count: number) => ({ hard: { 'count/deployments.apps': String(count) } });
  const none = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec: hard(0) };
  await admin.json({ method: 'POST', path: quotas, what: 'create the quota', body: none });
  // Wait until the quota's controller has counted.
  await eventually(async () =>
    expect(await admin.json({ method: 'GET', path: `${quotas}/none`, what: 'get' })).toMatchObject({ status: hard(0) }),
  );
  await createWebsite(admin, late, { image: 'nginx:1', replicas: 1 });
  const says = (reason: string, deadlineMs: number) =>
    eventually(
      async () =>
        expect((await cluster.getWebsite(late))?.status?.conditions?.[0]).toMatchObject({ type: 'Ready', reason }),
      { deadlineMs },
    );
  await says('QuotaExceeded', 30_000);
  await patch(admin, `${quotas}/none`, { spec: hard(1) });
  await says('Available', 60_000);
}, 120_000);
