import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { resyncWebsites, type ResyncContext } from '../../functions/resync-websites.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { KINDS } from '../../functions/website/children/kinds.ts';
import { API_VERSION, apiPath, PLURAL } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type Fault, type FaultProxy } from '../faults/proxy.ts';
import { createNamespace, createWebsite, remove, removeWebsite } from '../real-cluster.ts';

let admin: Transport;
let proxy: FaultProxy;
let transport: Transport;
let context: ResyncContext;
let namespace: string;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  proxy = await faultProxy(inject('functionsKubeconfig'));
  transport = await connect({ kubeconfig: proxy.kubeconfig });
  context = {
    cluster: kubernetes(transport),
    now: () => new Date(),
    log: {
      debug() {},
      info() {},
      warn() {},
      error() {},
    },
    resyncPlace: { last: undefined },
  };
  namespace = await createNamespace(admin, 'resync');
});
afterAll(async () => {
  await Promise.all([admin.close(), transport.close()]);
  await proxy.close();
});

/** The requests of some work, without their queries. */
async function requestsOf(work: () => Promise<unknown>): Promise<string[]> {
  const before = proxy.requests.length;
  await work();
  return proxy.requests.slice(before).map((request) => request.split('?')[0] ?? '');
}

it('P2: a resync of settled Websites reads one page of each kind and writes nothing', async () => {
  for (const name of ['a', 'b', 'c'])
    await createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 1 });
  // Pods become ready in between, and the resync writes that into the status.
  await eventually(async () =>
    expect((await requestsOf(() => resyncWebsites(context))).toSorted()).toEqual(
      [
        `GET /apis/${API_VERSION}/${PLURAL}`,
        ...KINDS.map(({ apiVersion, plural }) => `GET ${apiPath(apiVersion)}/${plural}`),
      ].toSorted(),
    ),
  );
});

it('P2: a reconcile of a settled Website makes 3 reads and no write', async () => {
  // A Pod may become ready in between here, too.
  await eventually(async () =>
    expect((await requestsOf(() => reconcile({ namespace, name: 'a' }, context))).toSorted()).toEqual([
      `GET /api/v1/namespaces/${namespace}/services/a-service`,
      `GET /apis/apps/v1/namespaces/${namespace}/deployments/a-deployment`,
      `GET /apis/stable.example.com/v1/namespaces/${namespace}/websites/a`,
    ]),
  );
});

it('P1: a resync recreates a deleted Deployment without any event', async () => {
  await remove(admin, `/apis/apps/v1/namespaces/${namespace}/deployments/a-deployment`);
  await eventually(async () => {
    await resyncWebsites(context);
    expect(await context.cluster.getChild('Deployment', { namespace, name: 'a' })).toBeDefined();
  });
});

it('A resync out of time leaves the rest to the next one, and counts it', async () => {
  await createWebsite(admin, { namespace, name: 'late' }, { image: 'nginx:1', replicas: 0 });
  expect(await resyncWebsites(context, { timeMs: 0 })).toMatchObject({
    repaired: 0,
    unfinished: expect.any(Number) as number,
  });
  expect(await context.cluster.getChild('Deployment', { namespace, name: 'late' })).toBeUndefined();
});

it.each<[string, Fault, number, object]>([
  // After each failure, the functions read the Website once more, to report it.
  ['for a reason of its own', { answer: 500 }, 6, { failed: 1, unreached: 0 }],
  ['because the cluster is unavailable', { answer: 503 }, 3, { failed: 0, unreached: 1 }],
])('A resync continues after a Website that fails %s, and counts it', async (_, fault, times, counts) => {
  await createWebsite(admin, { namespace, name: 'failing' }, { image: 'nginx:1', replicas: 0 });
  proxy.add({ method: 'GET', path: /websites\/failing/, fault, times });
  expect(await resyncWebsites(context, { retryAfterMs: [0, 0] })).toMatchObject(counts);
  expect(await context.cluster.getChild('Deployment', { namespace, name: 'late' })).toBeDefined();
  await removeWebsite(admin, { namespace, name: 'failing' });
});

it('A resync tries a failed Website again before it ends', async () => {
  await createWebsite(admin, { namespace, name: 'once' }, { image: 'nginx:1', replicas: 0 });
  proxy.add({ method: 'GET', path: /websites\/once/, fault: { answer: 500 }, times: 1 });
  expect(await resyncWebsites(context, { retryAfterMs: [0] })).toMatchObject({ failed: 0, unreached: 0 });
  expect(await context.cluster.getChild('Deployment', { namespace, name: 'once' })).toBeDefined();
});
