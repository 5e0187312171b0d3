// Where the credentials of the programs that ship come from: the ServiceAccount of a Pod, or a kubeconfig.
import { copyFileSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { load } from '../../functions/cluster/credentials/kubeconfig-source.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { Website, WebsiteKey } from '../../functions/website/resource.ts';
import { tokenOf } from '../../infra/local/programs/kubeconfig.ts';
import { eventually } from '../eventually.ts';
import { startCommand, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';

let admin: Transport;
let folder: string;
let key: WebsiteKey;
let program: Program | undefined;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pod-'));
  key = { namespace: await createNamespace(admin, 'pod'), name: 'shop' };
});
afterEach(async () => {
  await program?.stop();
  program = undefined;
  await removeWebsitesIn(admin, key.namespace);
  rmSync(folder, { recursive: true });
});

/** What a Pod with this ServiceAccount has: three files, and two variables. */
async function inPod(account: string): Promise<Record<string, string>> {
  const { server = '', caFile = '' } = load({ kubeconfig: inject('kubeconfig') }).getCurrentCluster() ?? {};
  copyFileSync(caFile, join(folder, 'ca.crt'));
  writeFileSync(join(folder, 'token'), `${await tokenOf(account, { transport: admin })}\n`);
  writeFileSync(join(folder, 'namespace'), 'website-reconciler');
  const { hostname, port } = new URL(server);
  return { POD_FILES: folder, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
}

const start = (args: readonly string[], variables: Record<string, string>): Program =>
  (program = startCommand([process.execPath, '--import', resolve('test/pod-files.ts'), ...args], variables));

/** Stops the program. @returns whether it had loaded the code that reads a kubeconfig. */
async function hasLoadedKubeconfigCode(running: Program): Promise<boolean> {
  const loaded = running.line('Loaded');
  await running.stop();
  const names = ((await loaded)['loaded'] as string[]).map((url) => basename(url));
  expect(names.some((name) => /^(node\.js|azure\.js|main\.mjs)$/.test(name))).toBe(true);
  const marked = globSync('dist/{functions,forwarder}/*').filter((file) => readFileSync(file, 'utf8').includes(CODE));
  expect(marked.length).toBeGreaterThanOrEqual(2);
  return marked.some((file) => names.includes(basename(file)));
}
/** A text in the Kubernetes client. */
const CODE = 'inClusterContext';

const ACCOUNTS = [
  ['a ServiceAccount', false, inPod],
  ['a kubeconfig', true, async () => ({ KUBECONFIG: inject('functionsKubeconfig') })],
] as const;
const HOSTS = [
  ['Node', ['dist/functions/node.js'], { HOST: '127.0.0.1', PORT: '0', ALLOW_ANONYMOUS: '1' }],
  ['Azure', ['test/hosts/azure-worker.ts'], {}],
] as const;

describe.each(HOSTS)('The functions on %s', (_, args, variables) => {
  it.each(ACCOUNTS)('reconcile with %s, and load the code for a kubeconfig: %s', async (__, isLoaded, credentials) => {
    await createWebsite(admin, key, { image: 'nginx:1', replicas: 0 });
    const host = start(args, { ...variables, ...(await credentials('website-functions')) });
    const url = String((await host.line('Listening'))['url']);
    const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'x', reason: 'first-seen' };
    const event = { id: '1', specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed', data };
    const headers = { 'content-type': 'application/cloudevents+json' };
    expect((await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })).status).toBe(204);
    const path = `/apis/stable.example.com/v1/namespaces/${key.namespace}/websites/shop`;
    const { status } = (await admin.json({ method: 'GET', path, what: 'get website' })) as Website;
    expect(status?.deploymentName).toBe('shop-deployment');
    expect(await hasLoadedKubeconfigCode(host)).toBe(isLoaded);
  });
});

it.each([
  ['a ServiceAccount', false, inPod],
  ['a kubeconfig', true, async () => ({ KUBECONFIG: inject('forwarderKubeconfig') })],
] as const)(
  'The forwarder lists with %s, and loads the code for a kubeconfig: %s',
  async (_, isLoaded, credentials) => {
    const flags = ['--host', '127.0.0.1', '--port', '0', '--namespaces', key.namespace, '--sink', 'http://127.0.0.1:9'];
    const forwarder = start(['dist/forwarder/main.mjs', ...flags], await credentials('website-forwarder'));
    const url = String((await forwarder.line('Listening'))['url']);
    await eventually(async () => expect(await (await fetch(new URL('readyz', url))).text()).toBe('ok\n'));
    expect(await hasLoadedKubeconfigCode(forwarder)).toBe(isLoaded);
  },
);
