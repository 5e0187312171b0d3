// An admission webhook hangs for all Websites of one namespace: P7, with the programs as they ship.
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { startForwarder, startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite, patch, patchWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { startWebhook, type Webhook } from '../webhook.ts';

/** More than the forwarder delivers at once. */
const SITES = Array.from({ length: 40 }, (_, index) => `site-${index}`);
/** Of its 32 places, one namespace has three quarters. */
const MOST_OF_NAMESPACE = 24;

let admin: Transport;
let broken: string;
let healthy: string;
let programs: Program[];
let webhook: Webhook | undefined;

beforeEach(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  [broken, healthy] = [await createNamespace(admin, 'broken'), await createNamespace(admin, 'healthy')];
  webhook = undefined;
  const functions = startFunctions({
    KUBECONFIG: inject('functionsKubeconfig'),
    NAMESPACES: `${broken},${healthy}`,
    ALLOW_ANONYMOUS: '1',
    HOST: '127.0.0.1',
    PORT: '0',
  });
  programs = [functions];
  const sink = String((await functions.line('Listening'))['url']);
  const watching = ['--namespaces', `${broken},${healthy}`, '--host', '127.0.0.1', '--port', '0'];
  programs.push(startForwarder(['--sink', sink, ...watching], { KUBECONFIG: inject('forwarderKubeconfig') }));
});
afterEach(async () => {
  await webhook?.close();
  await Promise.all(programs.map((program) => program.stop()));
  for (const namespace of [broken, healthy]) await removeWebsitesIn(admin, namespace);
  await admin.close();
});

const imageOf = async (namespace: string, name: string) => {
  const deployment = await kubernetes(admin).getChild('Deployment', { namespace, name });
  return deployment?.spec.template.spec?.containers[0]?.image;
};
const failures = () =>
  programs.flatMap(({ lines }) => lines).filter(({ msg }) => msg === 'Could not reconcile Website').length;

it('A webhook that hangs for the Websites of one namespace does not delay a Website of another', async () => {
  await createWebsite(admin, { namespace: healthy, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  for (const name of SITES) await createWebsite(admin, { namespace: broken, name }, { image: 'nginx:1', replicas: 0 });
  await eventually(async () => {
    for (const name of SITES) expect(await imageOf(broken, name)).toBe('nginx:1');
    expect(await imageOf(healthy, 'shop')).toBe('nginx:1');
  });

  webhook = await startWebhook(admin, { namespace: broken, resource: 'deployments', timeoutSeconds: 30 });
  webhook.answer = () => ({ allowed: false, status: { message: 'not today' } });
  const [name = ''] = SITES;
  await eventually(() =>
    expect(
      patch(admin, `/apis/apps/v1/namespaces/${broken}/deployments/${name}-deployment`, {
        metadata: { labels: { a: 'b' } },
      }),
    ).rejects.toThrow('not today'),
  );
  let hanging = 0;
  webhook.answer = (images) => {
    // The Deployment controller writes too.
    if (images !== 'nginx:2') return { allowed: true };
    hanging++;
    return undefined;
  };
  for (const each of SITES)
    await patchWebsite(admin, { namespace: broken, name: each }, { spec: { image: 'nginx:2' } });
  await eventually(() => expect(hanging).toBe(MOST_OF_NAMESPACE));

  await patchWebsite(admin, { namespace: healthy, name: 'shop' }, { spec: { image: 'nginx:2' } });
  await eventually(async () => expect(await imageOf(healthy, 'shop')).toBe('nginx:2'));
  expect(failures(), 'all others still hang').toBe(0);
  expect(hanging).toBe(MOST_OF_NAMESPACE);
});
