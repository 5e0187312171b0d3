// The Helm chart renders the same objects as kustomize, and its values change them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { eventually } from '../eventually.ts';
import { startOwnCluster, type OwnCluster } from '../faults/own-cluster.ts';
import { quietly, run } from './kubectl.ts';
import { manifestsIn, rendered, workloadsIn, type Manifest } from './rendered.ts';
import { selectorsOfWebsites } from './selectors.ts';

const CHART = 'infra/kubernetes';
const OVERLAYS = `${CHART}/overlays`;
const NAMESPACE = 'website-reconciler';

/** @returns what Helm prints. @throws Error with its output if it fails or warns. */
async function helm(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(inject('helm'), args);
  // Helm also writes to stderr when it had to wait.
  if (code === 0 && !/warn|symbolic link/i.test(stderr)) return stdout;
  throw new Error(stderr || stdout);
}

const template = async (namespace: string, ...values: string[]): Promise<Manifest[]> =>
  manifestsIn(await helm('template', 'website-reconciler', CHART, '--namespace', namespace, ...values));
const overlay = (name: string) => rendered(inject('kubectl'), `${OVERLAYS}/${name}`);

/** By what each is; environment variables count by their names. */
function comparable(manifests: readonly Manifest[]): Record<string, Manifest> {
  const byName = (key: string, value: unknown) =>
    key === 'env' && Array.isArray(value)
      ? (value as { name: string }[]).toSorted((a, b) => (a.name < b.name ? -1 : 1))
      : value;
  return Object.fromEntries(
    manifests.map((manifest) => [
      `${manifest.kind} ${manifest.metadata.namespace}/${manifest.metadata.name}`,
      JSON.parse(JSON.stringify(manifest, byName)) as Manifest,
    ]),
  );
}

describe('The chart', () => {
  it('passes lint', async () => {
    expect(await helm('lint', '--strict', CHART)).toContain('0 chart(s) failed');
  });

  it('has the version of the project', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(parse(await helm('show', 'chart', CHART))).toMatchObject({ version, appVersion: `v${version}` });
  });

  it('renders the same objects as the overlay in-cluster, except for the namespace, which Helm creates', async () => {
    const { [`Namespace undefined/${NAMESPACE}`]: namespace, ...rest } = comparable(await overlay('in-cluster'));
    expect(namespace).toBeDefined();
    expect(comparable(await template(NAMESPACE))).toEqual(rest);
  });

  it('contains the CRD, which Helm installs once and never changes', async () => {
    const crds = await rendered(inject('kubectl'), 'crds');
    expect(manifestsIn(await helm('show', 'crds', CHART))).toEqual(crds);
  });

  it('renders the same objects as the overlay namespaced, if namespaces are set', async () => {
    const values = ['--set', 'namespaces={team-a}', '--set', 'forwarder.env.NAMESPACES=x,functions.env.NAMESPACES=x'];
    const own = /"valueFrom":\{"fieldRef":\{"fieldPath":"metadata.namespace"\}\}/;
    const forAdministrators = await overlay('namespaced/for-administrators');
    const said = JSON.stringify([...(await overlay('namespaced')), ...forAdministrators]).replaceAll(
      new RegExp(`"name":"NAMESPACES",${own.source}`, 'g'),
      '"name":"NAMESPACES","value":"x"',
    );
    expect(comparable(await template('team-a', ...values))).toEqual(comparable(JSON.parse(said) as Manifest[]));
  });

  it('renders the same objects as the overlay forwarder-only, if the functions run elsewhere', async () => {
    const { [`Namespace undefined/${NAMESPACE}`]: _, ...rest } = comparable(await overlay('forwarder-only'));
    const sink = 'forwarder.env.SINK=https://example.azurewebsites.net/api/websites';
    const secret = 'forwarder.container.envFrom[0].secretRef.name=website-sink';
    const values = ['--set', 'functions.enabled=false', '--set', sink, '--set', secret];
    expect(comparable(await template(NAMESPACE, ...values))).toEqual(rest);
  });

  it.each(['functions.enabled=true', 'namespaces={team-a}'])('selects no Pod of a Website, with %s', async (value) => {
    expect(selectorsOfWebsites(await template('team-a', '--set', value))).toEqual([]);
  });

  it('has Roles in each of several namespaces, and passes the namespaces to both programs', async () => {
    const manifests = await template(NAMESPACE, '--set', 'namespaces={a,b}');
    expect(manifests.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
    const bound = manifests.filter(({ kind, metadata }) => kind === 'RoleBinding' && metadata.namespace !== NAMESPACE);
    expect(bound.map(({ metadata }) => `${metadata.namespace} ${metadata.name}`).toSorted()).toEqual([
      'a website-forwarder',
      'a website-functions',
      'b website-forwarder',
      'b website-functions',
    ]);
    const deployments = workloadsIn(manifests).filter(({ kind }) => kind === 'Deployment');
    for (const { container } of deployments) expect(container.env).toContainEqual({ name: 'NAMESPACES', value: 'a,b' });
  });

  it('applies the fence to every name of the functions, and has no fence if it is disabled', async () => {
    const fences = (manifests: readonly Manifest[]) => manifests.filter(({ kind }) => kind.startsWith('Validating'));
    const users = ['--set', 'fence.users={3f0c-id,a"b}'];
    expect(fences(await template('x', ...users))).toMatchObject([
      {
        metadata: { name: 'website-functions.x' },
        spec: {
          matchConditions: [
            {
              expression: String.raw`request.userInfo.username in ["system:serviceaccount:x:website-functions","3f0c-id","a\"b"]`,
            },
          ],
        },
      },
      { metadata: { name: 'website-functions.x' }, spec: { policyName: 'website-functions.x' } },
    ]);
    expect(fences(await template('x', '--set', 'fence.enabled=false'))).toEqual([]);
  });

  it('puts values into the right places', async () => {
    const token = { valueFrom: { secretKeyRef: { name: 'sink', key: 'token' } } };
    const forwarder = {
      replicas: 3,
      env: { CLUSTER_NAME: 'east', LEASE: null, SINK_BEARER_TOKEN: token },
      container: { resources: { limits: { memory: '1Gi' } } },
      pod: { nodeSelector: { pool: 'x' } },
    };
    const image = { registry: 'registry.example.com/x', tag: 'v9', pullSecrets: [{ name: 'pull' }] };
    const values = Object.entries({ forwarder, image, 'resync.schedule': '*/5 * * * *' });
    const manifests = await template(
      'x',
      ...values.flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]),
    );
    const found = manifests.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'website-forwarder',
    );
    expect(found).toMatchObject({
      metadata: { namespace: 'x' },
      spec: { replicas: 3, template: { spec: { nodeSelector: { pool: 'x' }, imagePullSecrets: [{ name: 'pull' }] } } },
    });
    expect(manifests.find(({ kind }) => kind === 'CronJob')).toMatchObject({ spec: { schedule: '*/5 * * * *' } });
    const workloads = workloadsIn(manifests);
    const program = workloads.find(({ name }) => name === 'website-forwarder');
    expect(workloads.map(({ container }) => container.image).toSorted()).toEqual([
      'registry.example.com/x/website-forwarder:v9',
      'registry.example.com/x/website-functions:v9',
      'registry.example.com/x/website-functions:v9',
    ]);
    expect(program?.container).toMatchObject({
      resources: { limits: { memory: '1Gi' }, requests: { memory: '96Mi' } },
    });
    expect(program?.container.env?.map(({ name }) => name)).toEqual([
      'POD_NAMESPACE',
      'SINK',
      'MODE',
      'SINK_TOKEN_FILE',
      'CLUSTER_NAME',
      'SINK_BEARER_TOKEN',
    ]);
    expect(program?.container.env).toContainEqual({ name: 'SINK_BEARER_TOKEN', ...token });
  });

  it('names images by digest if there is one and no tag is set', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const values = ['--set', `image.digests.website-functions=${digest}`];
    const imagesOf = (manifests: readonly Manifest[]) =>
      workloadsIn(manifests)
        .map(({ container }) => container.image)
        .toSorted();
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(imagesOf(await template('x', ...values))).toEqual([
      `ghcr.io/website-reconciler/website-forwarder:v${version}`,
      `ghcr.io/website-reconciler/website-functions:v${version}@${digest}`,
      `ghcr.io/website-reconciler/website-functions:v${version}@${digest}`,
    ]);
    expect(imagesOf(await template('x', ...values, '--set', 'image.tag=mine')).join()).not.toContain('@');
  });

  it('turns booleans and numbers into text as they were written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'values-'));
    const file = join(folder, 'values.yaml');
    const functions = { env: { REPLY_EVENTS: true, MAX_CONCURRENT: 1_000_000, RATIO: 0.5, QUOTED: 'true' } };
    writeFileSync(file, JSON.stringify({ functions }));
    const workloads = workloadsIn(
      await template('x', '--values', file, '--set', 'forwarder.env.A=true,forwarder.env.B=5'),
    );
    rmSync(folder, { recursive: true });
    const variablesOf = (program: string) => workloads.find(({ name }) => name === program)?.container.env ?? [];
    expect(variablesOf('website-functions').slice(-4)).toEqual([
      { name: 'MAX_CONCURRENT', value: '1000000' },
      { name: 'QUOTED', value: 'true' },
      { name: 'RATIO', value: '0.5' },
      { name: 'REPLY_EVENTS', value: 'true' },
    ]);
    expect(variablesOf('website-forwarder').slice(-2)).toEqual([
      { name: 'A', value: 'true' },
      { name: 'B', value: '5' },
    ]);
  });

  it.each([
    ['an unknown value', 'forwarder.replica=3', "additional properties 'replica' not allowed"],
    ['a value of the wrong type', 'functions.enabled=perhaps', "at '/functions/enabled': got string, want boolean"],
    [
      'functions elsewhere without a sink',
      'functions.enabled=false',
      'forwarder.env.SINK has to say where the functions are',
    ],
  ])('refuses %s', async (_, value, message) => {
    await expect(template(NAMESPACE, '--set', value)).rejects.toThrow(message);
  });
});

describe('With Helm, the chart', () => {
  let cluster: OwnCluster;
  const target = () => ['--kubeconfig', cluster.kubeconfig, '--namespace', NAMESPACE];
  const kubectl = (...args: string[]) => quietly(inject('kubectl'), [...target(), ...args]);

  beforeAll(async () => {
    cluster = await startOwnCluster();
  });
  afterAll(() => cluster.stop());

  it('starts its Pods, changes them with an upgrade, and leaves only the CRD after uninstalling', async () => {
    // Every control plane of the tests already has the rights.
    const install = ['install', 'website-reconciler', CHART, ...target(), '--wait', '--timeout=50s'];
    await expect(helm(...install)).rejects.toThrow('cannot be imported into the current release');
    await helm(...install, '--take-ownership');
    const available = ['get', 'deployments', '-o', 'jsonpath={.items[*].status.availableReplicas}'];
    expect(await kubectl(...available)).toBe('2 2');
    await helm('upgrade', 'website-reconciler', CHART, ...target(), '--set', 'functions.replicas=1', '--wait');
    await eventually(async () => expect(await kubectl(...available)).toBe('2 1'));
    await helm('uninstall', 'website-reconciler', ...target(), '--wait');
    const kinds = [
      'get',
      'deployments,cronjobs,networkpolicies,clusterroles,crds,validatingadmissionpolicies,validatingadmissionpolicybindings',
      '-A',
      '-o',
      'name',
    ];
    await eventually(async () => {
      const left = (await kubectl(...kinds)).split('\n').filter((name) => name.includes('website'));
      expect(left).toEqual(['customresourcedefinition.apiextensions.k8s.io/websites.stable.example.com']);
    });
  });
});
