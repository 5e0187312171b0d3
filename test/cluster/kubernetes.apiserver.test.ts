import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { MOST_AT_ONCE } from '../../functions/cluster/concurrency.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { Website } from '../../functions/website/resource.ts';
import type { Announcement } from '../../functions/website/status/transition.ts';
import { eventually } from '../eventually.ts';
import { faultProxy } from '../faults/proxy.ts';
import { createNamespace, createWebsite, patch } from '../real-cluster.ts';
import { describeCluster } from './suite.ts';
import { desiredChild } from '../fixtures/children.ts';

let transport: Transport;
beforeAll(async () => {
  transport = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => transport.close());

describeCluster('The real cluster', async () => {
  const own = await createNamespace(transport, 'cluster');
  return {
    cluster: kubernetes(transport),
    namespace: own,
    createWebsite: (key, spec) => createWebsite(transport, key, spec),
    createPod: (name, labels) =>
      transport.json({
        method: 'POST',
        path: `/api/v1/namespaces/${own}/pods`,
        what: 'create pod',
        body: {
          metadata: { name, labels },
          spec: {
            containers: [{ name: 'webserver', image: 'nginx:1' }],
            nodeSelector: { 'example.com/nowhere': 'true' },
          },
        },
      }),
    async announced({ metadata: { namespace, uid } }) {
      const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
      const { items } = (await transport.json({ method: 'GET', path, what: 'list events' })) as {
        items: (Announcement & { regarding: { uid: string } })[];
      };
      return items.filter(({ regarding }) => regarding.uid === uid);
    },
  };
});

it('The real cluster reports the verb and the resource that RBAC refuses', async () => {
  const forwarder = await connect({ kubeconfig: inject('forwarderKubeconfig') });
  await expect(kubernetes(forwarder).getWebsite({ namespace: 'default', name: 'x' })).rejects.toMatchObject({
    code: 'Forbidden',
    class: 'rights',
    message: expect.stringMatching(/get websites default\/x: .*cannot get resource "websites"/) as string,
  });
  await forwarder.close();
});

it('The lists of several namespaces come in the order of one list of all, without managedFields', async () => {
  const first = await createNamespace(transport, 'order');
  // A dash comes before the slash that ends a namespace.
  const second = await createNamespace(transport, first);
  for (const namespace of [first, second])
    await createWebsite(transport, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  const inAll = await listed(kubernetes(transport), [first, second]);
  expect(inAll.map(({ metadata }) => metadata.namespace)).toEqual([second, first]);
  expect(await listed(kubernetes(transport, [first, second]), [first, second])).toEqual(inAll);
  for (const { metadata } of inAll) expect(metadata).not.toHaveProperty('managedFields');
});

async function listed(cluster: Cluster, namespaces: readonly string[]): Promise<Website[]> {
  const websites: Website[] = [];
  for await (const page of cluster.listWebsites())
    websites.push(...page.filter(({ metadata }) => namespaces.includes(metadata.namespace)));
  return websites;
}

it.each(['999999999999', 'yesterday'])(
  'The real cluster returns the present Website if it never had version %s',
  async (since) => {
    const key = { namespace: await createNamespace(transport, 'since'), name: 'shop' };
    const website = await createWebsite(transport, key, { image: 'nginx:1', replicas: 0 });
    expect(await kubernetes(transport).getWebsite(key, since)).toEqual(website);
  },
);

it('The real cluster is never asked for a version that may not exist yet, because the API server would wait for it', async () => {
  const proxy = await faultProxy(inject('kubeconfig'));
  const behind = await connect({ kubeconfig: proxy.kubeconfig });
  const key = { namespace: await createNamespace(transport, 'since'), name: 'shop' };
  const { metadata } = await createWebsite(transport, key, { image: 'nginx:1', replicas: 0 });
  const path = `GET /apis/stable.example.com/v1/namespaces/${key.namespace}/websites/shop`;
  const requestsFor = async (since: string) => {
    proxy.requests.length = 0;
    expect((await kubernetes(behind).getWebsite(key, since))?.metadata.uid).toBe(metadata.uid);
    return proxy.requests;
  };
  // The API server's cache has it a moment later.
  await eventually(async () =>
    expect(await requestsFor(metadata.resourceVersion)).toEqual([`${path}?resourceVersion=0`]),
  );
  for (const since of ['99999999999', '9'.repeat(20), 'yesterday', '1&watch=1'])
    expect(await requestsFor(since)).toEqual([`${path}?resourceVersion=0`, path]);
  await Promise.all([behind.close(), proxy.close()]);
});

it('A child is read from the cache of the API server only if the caller allows it', async () => {
  const proxy = await faultProxy(inject('kubeconfig'));
  const behind = await connect({ kubeconfig: proxy.kubeconfig });
  const key = { namespace: 'default', name: 'shop' };
  const path = 'GET /apis/apps/v1/namespaces/default/deployments/shop-deployment';
  await kubernetes(behind).getChild('Deployment', key, 'cache');
  await kubernetes(behind).getChild('Deployment', key);
  expect(proxy.requests).toEqual([`${path}?resourceVersion=0`, path]);
  await Promise.all([behind.close(), proxy.close()]);
});

it('A Kubernetes Event is given up before any other call, and without fewer calls at once after it', async () => {
  const proxy = await faultProxy(inject('kubeconfig'));
  const behind = await connect({ kubeconfig: proxy.kubeconfig });
  const cluster = kubernetes(behind);
  const key = { namespace: await createNamespace(transport, 'announce'), name: 'shop' };
  const website = await createWebsite(transport, key, { image: 'nginx:1', replicas: 0 });
  proxy.add({ path: /namespaces\/announce/, fault: { freeze: true } });
  const ended = (what: string, call: Promise<unknown>) => call.catch(() => {}).then(() => what);
  const write = ended('the write', cluster.create(desiredChild('Service', website)));
  const announced = cluster.announce(website, { type: 'Normal', reason: 'Available', note: 'All is well' });
  expect(await Promise.race([write, ended('the Event', announced)])).toBe('the Event');

  // The write still has its place.
  const reads = Array.from({ length: MOST_AT_ONCE - 1 }, async () => ended('a read', cluster.getWebsite(key)));
  await eventually(() => expect(proxy.requests.filter((each) => each.startsWith('GET'))).toHaveLength(reads.length));
  await Promise.all([behind.close(), proxy.close()]);
  await Promise.all(reads);
});

it("A write keeps other field managers' ownership of their fields (metadata.managedFields)", async () => {
  const key = { namespace: await createNamespace(transport, 'managed'), name: 'shop' };
  const cluster = kubernetes(transport);
  const website = await createWebsite(transport, key, { image: 'nginx:1', replicas: 0 });
  const service = desiredChild('Service', website);
  await cluster.create(service);
  const path = `/api/v1/namespaces/${key.namespace}/services/shop-service?fieldManager=somebody`;
  await patch(transport, path, { metadata: { labels: { theirs: 'yes' } } });
  const read = await cluster.getChild('Service', key);
  if (read === undefined) throw new Error('The Service is missing');
  const labels = { ...read.metadata.labels, ours: 'yes' };
  const written = await cluster.replace({ ...read, metadata: { ...read.metadata, labels } });
  const judged = await cluster.updateStatus({ ...website, status: { observedGeneration: 1 } });
  expect(writersOf(written, 'f:labels', 'f:theirs')).toEqual(['somebody']);
  expect(writersOf(written, 'f:labels', 'f:ours')).not.toContain('somebody');
  expect(writersOf(judged, 'f:image')).toEqual(writersOf(website, 'f:image'));
});

/** The field managers of a field, which is given by the end of its path. */
function writersOf({ metadata }: object & { metadata: object }, ...path: readonly string[]): string[] {
  const { managedFields } = metadata as { managedFields: { manager: string; fieldsV1: object }[] };
  const text = new RegExp(path.map((part) => `"${part}":`).join('.*'));
  return managedFields.filter(({ fieldsV1 }) => text.test(JSON.stringify(fieldsV1))).map(({ manager }) => manager);
}

it('The error about an unknown context lists the known ones', async () => {
  const address = { kubeconfig: inject('kubeconfig'), context: 'nope' };
  await expect(connect(address)).rejects.toThrow(/has no context nope; it has \S+/);
});

it('The error for a missing object differs from the error for an unknown resource', async () => {
  const get = (path: string) => transport.json({ method: 'GET', path, what: 'look' });
  await expect(get('/apis/stable.example.com/v1/namespaces/default/websites/none')).rejects.toMatchObject({
    code: 'NotFound',
  });
  for (const path of [
    '/apis/stable.example.com/v1/namespaces/default/webpages/none',
    '/apis/none.example.com/v1/websites',
  ]) {
    await expect(get(path)).rejects.toMatchObject({
      code: 'UnknownResource',
      class: 'rights',
      message: expect.stringContaining('CRD') as string,
    });
  }
});
