// The operator's default Gateway: the built functions on a real API server with the real Gateway API.
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { serveIfRouted } from '../gateway.ts';
import { startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';

let admin: Transport;
let key: WebsiteKey;
let program: Program | undefined;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  key = { namespace: await createNamespace(admin, 'gateway'), name: 'shop' };
});
afterEach(() => program?.stop());
afterAll(async () => {
  await removeWebsitesIn(admin, key.namespace);
  await admin.close();
});

/** Starts the functions for this namespace only. */
async function start(settings: Record<string, string>): Promise<() => Promise<unknown>> {
  await program?.stop();
  const common = { KUBECONFIG: inject('functionsKubeconfig'), RESYNC_INTERVAL_SECONDS: '0' };
  program = startFunctions({ ...common, NAMESPACES: key.namespace, ...settings });
  const url = String((await program.line('Listening'))['url']);
  return () => fetch(new URL('resync', url), { method: 'POST' });
}

it('With a default Gateway, a resync gives a Website a route, and removes its Ingress once the Gateway serves it', async () => {
  const cluster = kubernetes(admin);
  const routes = async () => {
    const [ingress, route] = await Promise.all([cluster.getChild('Ingress', key), cluster.getChild('HTTPRoute', key)]);
    return { ingress: ingress?.spec.rules?.[0]?.host, gateway: route?.spec.parentRefs?.[0] };
  };
  const ready = async () => (await cluster.getWebsite(key))?.status?.conditions?.[0];
  const parentRef = { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'infra', name: 'public' };

  await createWebsite(admin, key, { image: 'nginx:1', replicas: 0, host: 'a.example.com' });
  await (
    await start({})
  )();
  expect(await routes()).toEqual({ ingress: 'a.example.com', gateway: undefined });

  const resync = await start({ DEFAULT_GATEWAY: 'infra/public', ONLY_DEFAULT_GATEWAY: 'true' });
  await eventually(async () => {
    await resync();
    expect(await ready()).toMatchObject({ status: 'False', reason: 'NotRouted' });
  });
  expect(await routes()).toEqual({ ingress: 'a.example.com', gateway: parentRef });

  expect(await serveIfRouted(admin, key)).toBe(true);
  await eventually(async () => {
    await resync();
    expect(await ready()).toMatchObject({ status: 'True', reason: 'Parked' });
  });
  expect(await routes()).toEqual({ ingress: undefined, gateway: parentRef });
});
