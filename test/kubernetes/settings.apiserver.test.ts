// The deployed programs, started here with the settings, the accounts and the tokens of their Pods.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { startForwarder, startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import { quietly, run } from './kubectl.ts';
import { rendered, tokensOf, variablesOf, workloadsIn, type Manifest, type Workload } from './rendered.ts';

let admin: Transport;
let folder: string;
let namespace: string;
let workloads: Workload[];
let services: Manifest['metadata'][];
const programs: Program[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  folder = mkdtempSync(join(tmpdir(), 'settings-'));
  namespace = await createNamespace(admin, 'settings');
  const manifests = await rendered(inject('kubectl'), 'infra/kubernetes/overlays/in-cluster');
  workloads = workloadsIn(manifests);
  services = manifests.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata);
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await admin.close();
  rmSync(folder, { recursive: true });
});

const kubectl = (...args: string[]) => quietly(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), ...args]);

function workload(wanted: string): Workload {
  const found = workloads.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`There is no ${wanted}`);
  return found;
}

async function start(name: 'functions' | 'forwarder', here: Record<string, string>): Promise<string> {
  // Ports of this machine, and only the objects of this test.
  const variables = { HOST: '127.0.0.1', PORT: '0', NAMESPACES: namespace, ...here };
  const given = { ...variablesOf(workload(`website-${name}`)), ...variables };
  const program = name === 'functions' ? startFunctions({ ALLOW_ANONYMOUS: '', ...given }) : startForwarder([], given);
  programs.push(program);
  return String((await program.line('Listening'))['url']);
}

/** A file with the token that the kubelet would mount, and the path of that mount. */
async function tokenOf(name: string): Promise<{ file: string; mountedAt: string }> {
  const { serviceAccountName = '' } = workload(name).template.spec;
  const token = tokensOf(workload(name)).find(({ audience }) => audience !== undefined);
  const { at = '', audience: forWhom = '' } = token ?? {};
  const file = join(folder, name);
  const account = ['-n', 'website-reconciler', serviceAccountName];
  writeFileSync(file, await kubectl('create', 'token', ...account, '--audience', forWhom));
  return { file, mountedAt: at };
}

it('The deployed functions accept the deployed forwarder and the resync job, and refuse a wrong token', async () => {
  const sink = await start('functions', { KUBECONFIG: inject('functionsKubeconfig') });
  const { file: SINK_TOKEN_FILE } = await tokenOf('website-forwarder');
  await start('forwarder', {
    KUBECONFIG: inject('forwarderKubeconfig'),
    SINK: sink,
    SINK_TOKEN_FILE,
  });
  await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  const deployments = ['get', 'deployments', '-n', namespace, '-o', 'name'];
  await eventually(async () => expect(await kubectl(...deployments)).toBe('deployment.apps/shop-deployment\n'));

  const { file, mountedAt } = await tokenOf('website-resync');
  const args = (workload('website-resync').container.args ?? []).map((text) => text.replace(mountedAt, file));
  const ask = () => run(process.execPath, args, '', { RESYNC_URL: new URL('resync', sink).href });
  expect(await ask()).toEqual({ code: 0, stderr: '', stdout: expect.stringMatching(/^204 seen=1, /) as string });
  writeFileSync(file, 'nobody');
  expect(await ask()).toMatchObject({ code: 1, stdout: expect.stringMatching(/^401 /) as string });
});

it('The deployed forwarder and the resync job send to the Service of the functions', () => {
  const { SINK } = variablesOf(workload('website-forwarder'));
  const { RESYNC_URL } = variablesOf(workload('website-resync'));
  const [{ name, namespace: where } = { name: '', namespace: '' }] = services;
  expect([SINK, RESYNC_URL]).toEqual([`http://${name}.${where}.svc`, `http://${name}.${where}.svc/resync`]);
});
