import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { Transition } from '../../functions/website/transition.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import { describeCluster } from './suite.ts';

let transport: Transport;
beforeAll(async () => {
  transport = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => transport.close());

describeCluster('The real cluster', async () => ({
  cluster: kubernetes(transport),
  namespace: await createNamespace(transport, 'cluster'),
  createWebsite: (key, spec) => createWebsite(transport, key, spec),
  async announced({ metadata: { namespace, uid } }) {
    const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    const { items } = (await transport.json({ method: 'GET', path, what: 'list events' })) as {
      items: (Transition & { regarding: { uid: string } })[];
    };
    return items.filter(({ regarding }) => regarding.uid === uid);
  },
}));

it('names the verb and the resource that RBAC refuses', async () => {
  const forwarder = await connect({ kubeconfig: inject('forwarderKubeconfig') });
  await expect(kubernetes(forwarder).getWebsite({ namespace: 'default', name: 'x' })).rejects.toMatchObject({
    code: 'Forbidden',
    class: 'rights',
    message: expect.stringMatching(/get websites default\/x: .*cannot get resource "websites"/) as string,
  });
  await forwarder.close();
});

it.each(['999999999999', 'yesterday'])('reads a Website as it is where it never was at version %s', async (since) => {
  const key = { namespace: await createNamespace(transport, 'since'), name: 'shop' };
  const website = await createWebsite(transport, key, { image: 'nginx:1', replicas: 0 });
  expect(await kubernetes(transport).getWebsite(key, since)).toEqual(website);
});

it('says that a context is unknown, and which there are', async () => {
  const address = { kubeconfig: inject('kubeconfig'), context: 'nope' };
  await expect(connect(address)).rejects.toThrow(/has no context nope; it has \S+/);
});

it('tells an object that is not there from a resource that the API server does not know', async () => {
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
