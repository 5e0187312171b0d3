// Has a control plane of its own, because other tests need the Gateway API.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClusterError } from '../../functions/cluster/errors.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { installGatewayApi } from '../../infra/local/programs/install.ts';
import { eventually } from '../eventually.ts';
import { startOwnCluster, type OwnCluster } from '../faults/own-cluster.ts';
import { SPEC } from '../fixtures/websites.ts';
import { serve } from '../gateway.ts';
import { startForwarder, startFunctions } from '../program.ts';
import { createNamespace, createWebsite, remove } from '../real-cluster.ts';
import { itReadsAMissingApi } from './missing-api.ts';

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io';
const ROUTES = '/apis/gateway.networking.k8s.io/v1/httproutes';
let own: OwnCluster;
let functions: Transport;

beforeAll(async () => {
  own = await startOwnCluster();
  functions = await connect({ kubeconfig: own.functionsKubeconfig });
});
afterAll(async () => {
  await functions.close();
  await own.stop();
});

async function uninstall(): Promise<void> {
  await remove(own.admin, CRD);
  await eventually(async () => {
    const answer = own.admin.json({ method: 'GET', path: ROUTES, what: 'list httproutes' });
    await expect(answer).rejects.toMatchObject({ code: 'UnknownResource' } satisfies Partial<ClusterError>);
  });
}

it('A Website with a Gateway says what to install, and becomes ready once it is installed', async () => {
  const key = { namespace: await createNamespace(own.admin, 'gateway'), name: 'shop' };
  const cluster = kubernetes(functions);
  const run = () => reconcile(key, { cluster, now: () => new Date() });
  await createWebsite(own.admin, key, { ...SPEC, replicas: 0, host: 'a.example.com', gateway: { name: 'public' } });
  expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'MissingApi' });
  const ready = async () => (await cluster.getWebsite(key))?.status?.conditions?.[0];
  expect(await ready()).toMatchObject({
    message:
      'This cluster has no HTTPRoute of gateway.networking.k8s.io/v1: install the Gateway API, v1.0 or later (https://gateway-api.sigs.k8s.io/guides/getting-started)',
  });
  await installGatewayApi(own.admin);
  expect((await run()).actions).toContain('create HTTPRoute');
  await serve(own.admin, key, 'a.example.com');
  await eventually(async () => {
    await run();
    expect(await ready()).toMatchObject({ status: 'True', reason: 'Parked' });
  });
  await uninstall();
});

it('Without the Gateway API, the programs stay ready and log it once, and they reconcile once it is installed', async () => {
  const key = { namespace: await createNamespace(own.admin, 'programs'), name: 'shop' };
  const resync = { RESYNC_INTERVAL_SECONDS: '0' };
  const functionsProgram = startFunctions({ KUBECONFIG: own.functionsKubeconfig, ...resync });
  const sink = String((await functionsProgram.line('Listening'))['url']);
  const flags = ['--sink', sink, '--host', '127.0.0.1', '--port', '0'];
  const forwarder = startForwarder(flags, { KUBECONFIG: own.forwarderKubeconfig });
  try {
    const url = String((await forwarder.line('Listening'))['url']);
    const told = (message: string) => forwarder.lines.filter(({ msg }) => msg === message);
    expect(await forwarder.line('The cluster lacks an optional API')).toMatchObject({ resource: 'httproutes' });
    await eventually(async () => expect((await fetch(new URL('/readyz', url))).status).toBe(200));
    expect(await (await fetch(new URL('/metrics', url))).text()).not.toContain(
      'watch_connected{resource="httproutes"}',
    );
    await createWebsite(own.admin, key, { ...SPEC, replicas: 0, host: 'a.example.com', gateway: { name: 'public' } });
    const cluster = kubernetes(functions);
    const ready = async () => (await cluster.getWebsite(key))?.status?.conditions?.[0];
    await eventually(async () => expect(await ready()).toMatchObject({ reason: 'MissingApi' }));
    await installGatewayApi(own.admin);
    await forwarder.line('An optional API was installed');
    const since = forwarder.lines.findIndex(({ msg }) => msg === 'An optional API was installed');
    const isResync = ({ msg, type }: Record<string, unknown>) => msg === 'Delivered event' && type === 'resync';
    await eventually(() => expect(forwarder.lines.slice(since).some(isResync)).toBe(true));
    await serve(own.admin, key, 'a.example.com');
    await eventually(async () => expect(await ready()).toMatchObject({ status: 'True', reason: 'Parked' }));
    expect(told('The cluster lacks an optional API')).toHaveLength(1);
    // On a busy machine, the watch of another resource may have to wait.
    expect(
      told('Watch is interrupted and will try again').filter(({ resource: waits }) => waits === 'httproutes'),
    ).toEqual([]);
    expect(await (await fetch(new URL('/metrics', url))).text()).toContain('watch_connected{resource="httproutes"} 1');
  } finally {
    await Promise.all([forwarder.stop(), functionsProgram.stop()]);
  }
  await uninstall();
});

itReadsAMissingApi(async () => {
  await installGatewayApi(own.admin);
  return {
    cluster: kubernetes(functions),
    namespace: await createNamespace(own.admin, 'missing'),
    createWebsite: (key, spec) => createWebsite(own.admin, key, spec),
    uninstall,
  };
});
