// The manifests, applied with kubectl to a cluster with all controllers. Simulated nodes run the Pods.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { CHILD_KINDS, isOptional } from '../../functions/website/children/kinds.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { writeKubeconfigFor } from '../../infra/local/programs/kubeconfig.ts';
import { eventually } from '../eventually.ts';
import { installGatewayApi } from '../../infra/local/programs/install.ts';
import { startOwnCluster, type OwnCluster } from '../faults/own-cluster.ts';
import { OPTIONAL } from '../fixtures/asking.ts';
import { startForwarder, startFunctions } from '../program.ts';
import { createNamespace, createWebsite, removeWebsite } from '../real-cluster.ts';
import { knativeDefinitions } from './knative.ts';
import { quietly } from './kubectl.ts';

const OVERLAYS = 'infra/kubernetes/overlays';
const PATIENCE = { deadlineMs: 60_000 };

let cluster: OwnCluster;

/** @returns what kubectl prints, including warnings. @throws if it fails. */
async function kubectl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(inject('kubectl'), [
    '--kubeconfig',
    cluster.kubeconfig,
    ...args,
  ]);
  return stdout + stderr;
}
const apply = (overlay: string) =>
  kubectl('apply', '--server-side', '--validate=strict', '-k', join(OVERLAYS, overlay));

/** For each Deployment, how many of its Pods run. */
async function podsIn(namespace: string): Promise<Record<string, string>> {
  const text = await kubectl('get', 'deployments', '-n', namespace, '-o', 'json');
  const { items } = JSON.parse(text) as {
    items: { metadata: { name: string }; spec: { replicas: number }; status: { availableReplicas?: number } }[];
  };
  return Object.fromEntries(
    items.map(({ metadata, spec, status }) => [metadata.name, `${status.availableReplicas ?? 0} of ${spec.replicas}`]),
  );
}

const namesIn = (text: string): string[] => text.split(' ').filter(Boolean).toSorted();
const podNames = async (selector: string): Promise<string[]> =>
  namesIn(await kubectl(...IN_OURS, 'pods', '-l', selector, '-o', 'jsonpath={.items[*].metadata.name}'));
/** The Pods that a Service leads to. */
const backendsOf = async (service: string): Promise<string[]> =>
  namesIn(await kubectl(...IN_OURS, 'endpointslices', '-l', `kubernetes.io/service-name=${service}`, '-o', TARGETS));
const IN_OURS = ['get', '-n', 'website-reconciler'];
const TARGETS = 'jsonpath={.items[*].endpoints[*].targetRef.name}';

beforeAll(async () => {
  cluster = await startOwnCluster();
});
afterAll(() => cluster.stop());

describe('The overlay in-cluster', () => {
  it('applies without a warning, and its Pods run in a restricted namespace', async () => {
    expect(await apply('in-cluster')).not.toMatch(/warning/i);
    await eventually(
      async () =>
        expect(await podsIn('website-reconciler')).toEqual({
          'website-forwarder': '2 of 2',
          'website-functions': '2 of 2',
        }),
      PATIENCE,
    );
    await kubectl('create', 'job', '-n', 'website-reconciler', '--from=cronjob/website-resync', 'now');
    await eventually(
      async () =>
        expect(await kubectl('get', 'pods', '-n', 'website-reconciler', '-l', 'job-name=now', '-o', 'name')).toMatch(
          /^pod\/now-/,
        ),
      PATIENCE,
    );
  });

  it.each(['website-functions', 'website-forwarder'])(
    'keeps the Pods of a Website named %s out of the Service of the functions',
    async (name) => {
      const key = { namespace: 'website-reconciler', name };
      const spec = { image: 'nginx:1', replicas: 2, port: 8080, securityProfile: 'restricted' };
      await createWebsite(cluster.admin, key, spec);
      await reconcile(key, { cluster: kubernetes(cluster.admin), now: () => new Date() });
      const pods = () => podNames(`app=${name}`);
      await eventually(async () => expect(await pods()).toHaveLength(2), PATIENCE);
      const own = await pods();
      // Its own Service shows when the endpoints of these Pods are complete.
      await eventually(async () => expect(await backendsOf(`${name}-service`)).toEqual(own), PATIENCE);
      const ours = await backendsOf('website-functions');
      expect(ours).toHaveLength(2);
      expect(ours.filter((pod) => own.includes(pod))).toEqual([]);
      await removeWebsite(cluster.admin, key);
    },
  );

  it('keeps its namespace restricted for other Pods', async () => {
    const run = ['run', 'root', '-n', 'website-reconciler', '--image=x'];
    await expect(kubectl(...run)).rejects.toThrow(/violates PodSecurity "restricted:latest"/);
  });

  it('changes nothing when it is applied again', async () => {
    // The garbage collector may still be deleting the children of Websites of earlier tests.
    const ours = ['-n', 'website-reconciler', '-l', 'app.kubernetes.io/managed-by!=website-reconciler'];
    const versions = () => kubectl('get', 'deploy,svc,cronjob,netpol,pdb', ...ours, '-o', VERSIONS);
    const before = await versions();
    expect(before).toContain('website-functions');
    await apply('in-cluster');
    expect(await versions()).toBe(before);
  });

  it('lets editors of a namespace edit its Websites, and viewers view them', async () => {
    const namespace = await createNamespace(cluster.admin, 'people');
    for (const role of ['edit', 'view'])
      await kubectl('create', 'rolebinding', role, '-n', namespace, `--clusterrole=${role}`, `--user=${role}or`);
    const may = (user: string, verb: string) =>
      kubectl('auth', 'can-i', verb, 'websites.stable.example.com', '-n', namespace, `--as=${user}`).then(
        (said) => said.trim(),
        () => 'no',
      );
    await eventually(async () => expect(await may('editor', 'create')).toBe('yes'));
    await eventually(async () => expect(await may('viewor', 'watch')).toBe('yes'));
    expect(await may('viewor', 'create')).toBe('no');
  });
});
const VERSIONS = 'custom-columns=KIND:.kind,NAME:.metadata.name,GENERATION:.metadata.generation';

it('The overlay forwarder-only applies without a warning, and has a sink elsewhere and no token for the functions', async () => {
  const text = await kubectl('kustomize', join(OVERLAYS, 'forwarder-only'));
  expect(text).toContain('https://example.azurewebsites.net/api/websites');
  expect(text).not.toContain('SINK_TOKEN_FILE');
  expect(text).not.toContain('kind: CronJob');
  expect(await apply('forwarder-only')).not.toMatch(/warning/i);
});

it("The overlay for Azure takes the sink, the identities and the cluster's name from azd", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'azure-'));
  for (const part of ['crds', 'infra/kubernetes', 'infra/azure/cluster'])
    cpSync(part, join(folder, part), { recursive: true });
  const [sink, functions, forwarder] = ['https://x.queue.core.windows.net/website-events', 'functions-id', 'client-id'];
  writeFileSync(
    join(folder, 'infra/azure/cluster/azure.env'),
    `SINK=${sink}\nSINK_KIND=storage-queue\nCLUSTER_NAME=east\nFUNCTIONS_PRINCIPAL_ID=${functions}\nFORWARDER_CLIENT_ID=${forwarder}\n`,
  );
  const overlay = join(folder, 'infra/azure/cluster');
  // The installation of this test's cluster has already bound the role to the ServiceAccount.
  const flags = ['--server-side', '--validate=strict', '--force-conflicts'];
  expect(await kubectl('apply', ...flags, '-k', overlay)).not.toMatch(/warning/i);
  rmSync(folder, { recursive: true });
  const of = (path: string, ...what: string[]) =>
    kubectl('get', '-n', 'website-reconciler', ...what, '-o', `jsonpath=${path}`);
  expect(await of('{.subjects}', 'clusterrolebinding', 'website-functions')).toContain(
    `{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"${functions}"}`,
  );
  const condition = '{.spec.matchConditions[0].expression}';
  expect(await of(condition, 'validatingadmissionpolicy', 'website-functions.website-reconciler')).toBe(
    `request.userInfo.username in ["system:serviceaccount:website-reconciler:website-functions", "${functions}"]`,
  );
  expect(await of('{.metadata.annotations}', 'serviceaccount', 'website-forwarder')).toContain(
    `"azure.workload.identity/client-id":"${forwarder}"`,
  );
  const variables = await of('{.spec.template.spec.containers[0].env}', 'deployment', 'website-forwarder');
  const given = (JSON.parse(variables) as { name: string; value: string }[]).map(({ name, value }) => [name, value]);
  expect(Object.fromEntries(given)).toMatchObject({ SINK: sink, SINK_KIND: 'storage-queue', CLUSTER_NAME: 'east' });
  expect(await of('{.items}', 'configmaps', '--field-selector=metadata.name=azure')).toBe('[]');
});

describe('On Knative,', () => {
  beforeAll(async () => {
    await quietly(inject('kubectl'), ['--kubeconfig', cluster.kubeconfig, 'create', '-f', '-'], knativeDefinitions());
    const names = knativeDefinitions().match(/[a-z]+\.\w+\.knative\.dev/g) ?? [];
    await kubectl('wait', '--for=condition=Established', ...names.map((name) => `crd/${name}`));
  });

  it.each(['direct', 'broker', 'api-server-source'])('the variant %s applies without a warning', async (variant) => {
    const folder = join('infra/knative', variant);
    expect(await kubectl('apply', '--server-side', '--validate=strict', '-k', folder)).not.toMatch(/warning/i);
  });

  it('the account of the ApiServerSource may read Websites, and its Pod has a token', async () => {
    const source = JSON.parse(
      await kubectl('get', 'apiserversource', 'websites', '-n', 'website-reconciler', '-o', 'json'),
    ) as { spec: { serviceAccountName: string } };
    const account = source.spec.serviceAccountName;
    const as = `--as=system:serviceaccount:website-reconciler:${account}`;
    for (const verb of ['get', 'list', 'watch'])
      expect((await kubectl('auth', 'can-i', verb, 'websites.stable.example.com', '-A', as)).trim()).toBe('yes');
    const read = ['get', 'serviceaccount', account, '-n', 'website-reconciler', '-o'];
    expect(await kubectl(...read, 'jsonpath={.automountServiceAccountToken}')).toBe('');
  });
});

describe('The overlay for one team', () => {
  const key = { namespace: 'team-a', name: 'shop' };
  /** Its number of replicas is missing, so the functions have to scale it. */
  const spec = { image: 'nginx:1', autoscaling: { external: true } };
  const nameWith = (kind: string) => `with-${kind.toLowerCase()}`;

  it('has rights and a fence for its functions, which an administrator applies', async () => {
    await kubectl('create', 'namespace', 'team-a');
    await kubectl('label', 'namespace', 'team-a', 'pod-security.kubernetes.io/enforce=restricted');
    expect(await apply('namespaced/for-administrators')).not.toMatch(/warning/i);
    const as = '--as=system:serviceaccount:team-a:website-functions';
    const make = ['create', 'deployment', 'rootkit', '-n', 'team-a', '--image=x', '--dry-run=server', as];
    await eventually(async () =>
      expect(kubectl(...make)).rejects.toThrow(
        /ValidatingAdmissionPolicy 'website-functions.team-a' .* only if a Website controls it/,
      ),
    );
  });

  it('applies without a warning, and has only objects that a team may create', async () => {
    const objects = await kubectl('kustomize', join(OVERLAYS, 'namespaced'));
    expect(objects).not.toMatch(/kind: (Cluster|Namespace|CustomResourceDefinition|Validating|Role|ServiceAccount)/);
    expect(objects).not.toContain('namespace: website-reconciler');
    expect(await apply('namespaced')).not.toMatch(/warning/i);
    await eventually(
      async () =>
        expect(await podsIn('team-a')).toEqual({ 'website-forwarder': '2 of 2', 'website-functions': '2 of 2' }),
      PATIENCE,
    );
  });

  it('gives the programs all the rights that they need, in this namespace only', async () => {
    const address = { kubeconfig: cluster.kubeconfig };
    const kubeconfigOf = (account: 'website-functions' | 'website-forwarder') => {
      const path = `${cluster.kubeconfig}.${account}.team-a`;
      return writeKubeconfigFor(account, { transport: cluster.admin, address, path, namespace: 'team-a' });
    };
    const files = [await kubeconfigOf('website-functions'), await kubeconfigOf('website-forwarder')];
    const [functionsKubeconfig = '', forwarderKubeconfig = ''] = files;
    const functions = startFunctions({ KUBECONFIG: functionsKubeconfig, NAMESPACES: 'team-a' });
    const url = String((await functions.line('Listening'))['url']);
    await createWebsite(cluster.admin, { namespace: 'default', name: 'other' }, spec);
    await createWebsite(cluster.admin, key, spec);
    await installGatewayApi(cluster.admin);
    for (const [kind, asking] of OPTIONAL) await createWebsite(cluster.admin, { ...key, name: nameWith(kind) }, asking);
    const resync = await fetch(new URL('resync', url), { method: 'POST' });
    const all = OPTIONAL.length + 1;
    expect(resync.headers.get('website-resync')).toContain(`seen=${all}, differing=${all}, repaired=${all}`);
    for (const kind of CHILD_KINDS) {
      const name = isOptional(kind) ? nameWith(kind) : key.name;
      expect(await kubernetes(cluster.admin).getChild(kind, { ...key, name })).toBeDefined();
    }

    const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', uid: 'x', reason: 'retry' };
    const event = { id: '1', specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed' };
    const elsewhere = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ ...event, data: { ...data, namespace: 'default', name: 'other' } }),
    });
    expect(elsewhere.headers.get('website-outcome')).toBe('ignored');

    const flags = ['--sink', url, '--host', '127.0.0.1', '--port', '0', '--namespaces', 'team-a'];
    const forwarder = startForwarder([...flags, '--lease', 'x', '--lease-namespace', 'team-a'], {
      KUBECONFIG: forwarderKubeconfig,
    });
    await kubectl('delete', 'deployment', '-n', 'team-a', 'shop-deployment');
    await eventually(async () => expect(await kubernetes(cluster.admin).getChild('Deployment', key)).toBeDefined());
    expect(await kubernetes(cluster.admin).getChild('Deployment', { namespace: 'default', name: 'other' })).toBe(
      undefined,
    );
    expect(await forwarder.stop()).toBe(0);
    expect(await functions.stop()).toBe(0);
    for (const file of files) rmSync(file);
  });
});
