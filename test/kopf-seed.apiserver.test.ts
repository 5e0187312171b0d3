// Each test shows a mistake of the Kopf tutorial that this project replaces. docs/coming-from-kopf.md quotes the lines.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { kubernetes } from '../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../functions/cluster/transport.ts';
import { reconcile } from '../functions/website/reconcile.ts';
import type { WebsiteKey } from '../functions/website/resource.ts';
import { eventually } from './eventually.ts';
import { createNamespace, createWebsite, patchWebsite, remove, removeWebsite } from './real-cluster.ts';
import type { Deployment } from '../functions/website/children/deployment/object.ts';
import { CHILD_KINDS } from '../functions/website/children/kinds.ts';

let admin: Transport;
let functions: Transport;
let namespace: string;
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  // The tests act with the rights of the functions.
  functions = await connect({ kubeconfig: inject('functionsKubeconfig') });
  namespace = await createNamespace(admin, 'seed');
});
afterAll(() => Promise.all([admin.close(), functions.close()]));

const spec = { image: 'nginx:1.29', replicas: 1 };
const cluster = () => kubernetes(functions);
const run = (key: WebsiteKey) => reconcile(key, { cluster: cluster(), now: () => new Date() });
const deploymentPath = (name: string) => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

async function declared(name: string, given: object = spec): Promise<WebsiteKey> {
  const key = { namespace, name };
  await createWebsite(admin, key, given);
  await run(key);
  return key;
}

it('A newline in the image or in a variable cannot add a privileged container', async () => {
  const image = 'nginx\n        securityContext: {privileged: true}';
  await expect(createWebsite(admin, { namespace, name: 'evil' }, { ...spec, image })).rejects.toThrow('spec.image');
  // A value may hold any text. Text that looks like YAML stays text.
  const value = 'x\n      securityContext:\n        privileged: true\n# "\' {{ }} ${}';
  const key = await declared('injection', { ...spec, env: [{ name: 'TEXT', value }] });
  const container = (await cluster().getChild('Deployment', key))?.spec.template.spec?.containers[0];
  expect(container?.env).toEqual([{ name: 'TEXT', value }]);
  expect(container?.securityContext ?? {}).toEqual({});
});

it('The functions do not overwrite a foreign Deployment of the same name, and reconcile the Website once it is gone', async () => {
  const labels = { app: 'theirs' };
  const foreign = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'taken-deployment', namespace },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'theirs', image: 'theirs' }] } },
    },
  };
  await admin.json({
    method: 'POST',
    path: `/apis/apps/v1/namespaces/${namespace}/deployments`,
    what: 'create',
    body: foreign,
  });
  const key = await declared('taken');
  expect((await run(key)).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
  expect(await cluster().getChild('Deployment', key)).toMatchObject({
    metadata: { generation: 1 },
    spec: { template: { spec: { containers: [{ image: 'theirs' }] } } },
  });
  expect((await cluster().getWebsite(key))?.status?.conditions).toMatchObject([
    {
      type: 'Ready',
      status: 'False',
      reason: 'NameConflict',
      message: expect.stringContaining('taken-deployment') as string,
    },
    { type: 'Stalled', status: 'True' },
  ]);
  await remove(admin, deploymentPath('taken-deployment'));
  await eventually(async () => {
    expect((await run(key)).outcome).toMatchObject({ kind: expect.not.stringContaining('stalled') as string });
  });
});

it('replicas: 0 parks a new site and a running one', async () => {
  const key = await declared('parked', { ...spec, replicas: 0 });
  await eventually(async () => {
    expect((await run(key)).outcome).toEqual({ kind: 'settled', reason: 'Parked' });
  });
  await patchWebsite(admin, key, { spec: { replicas: 2 } });
  await run(key);
  await patchWebsite(admin, key, { spec: { replicas: 0 } });
  await run(key);
  expect((await cluster().getChild('Deployment', key))?.spec.replicas).toBe(0);
});

it('The functions create a Service that selects the Pods', async () => {
  const key = await declared('service');
  const [service, deployment] = await Promise.all([
    cluster().getChild('Service', key),
    cluster().getChild('Deployment', key),
  ]);
  expect(deployment?.spec.template.metadata?.labels).toMatchObject(service?.spec.selector ?? { none: 'there' });
  expect(service?.spec.ports).toMatchObject([{ port: 80, targetPort: 'http' }]);
});

it('The functions store the status', async () => {
  const key = await declared('reported');
  expect((await cluster().getWebsite(key))?.status).toMatchObject({
    observedGeneration: 1,
    deploymentName: 'reported-deployment',
    serviceName: 'reported-service',
    replicasSet: 1,
  });
});

it('P6: the owner reference says controller: true, and the garbage collector deletes the children', async () => {
  const key = await declared('deleted', { ...spec, replicas: 0, host: 'deleted.example.com' });
  const website = await cluster().getWebsite(key);
  const deployment = await cluster().getChild('Deployment', key);
  expect(deployment?.metadata.ownerReferences).toEqual([
    {
      apiVersion: 'stable.example.com/v1',
      kind: 'Website',
      name: 'deleted',
      uid: website?.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  // Nothing of ours runs from here on.
  await removeWebsite(admin, key);
  await eventually(async () => {
    for (const kind of CHILD_KINDS) expect([kind, await cluster().getChild(kind, key)]).toEqual([kind, undefined]);
  });
});

it('The functions recreate a Deployment that was deleted by hand', async () => {
  const key = await declared('handmade');
  const before = await cluster().getChild('Deployment', key);
  await remove(admin, deploymentPath('handmade-deployment'));
  await eventually(async () => {
    await run(key);
    const after = (await cluster().getChild('Deployment', key)) as Deployment;
    expect(after.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after.spec.replicas).toBe(1);
  });
});
