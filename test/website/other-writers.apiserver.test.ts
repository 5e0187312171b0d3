// Others change the children, or policies refuse our writes, on the real API server. Each child is restored separately, and additions of others stay.
import { describe, expect, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { eventually } from '../eventually.ts';
import { forbid, type Scope } from '../policies.ts';
import { createWebsite, patch, replaceWebsiteSpec } from '../real-cluster.ts';
import { oneWebsite } from '../accounts.ts';

const SPEC = { image: 'nginx:1', replicas: 1 };
const HOST = { ...SPEC, host: 'a.example.com' };

const site = oneWebsite('others');

const run = () => reconcile(site.key, { cluster: kubernetes(site.functions), now: () => new Date() });
const heals = () =>
  eventually(async () => expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Available' }));
const child = <Kind extends 'Deployment' | 'Service' | 'Ingress'>(kind: Kind) =>
  kubernetes(site.admin).getChild(kind, site.key);
const image = async () => (await child('Deployment'))?.spec.template.spec?.containers[0]?.image;
const SERVICE = () => `/api/v1/namespaces/${site.key.namespace}/services/shop-service`;
const INGRESS = () => `/apis/networking.k8s.io/v1/namespaces/${site.key.namespace}/ingresses/shop-ingress`;

async function healed(spec: object): Promise<void> {
  await createWebsite(site.admin, site.key, spec);
  await heals();
}

async function says(reason: string): Promise<void> {
  await eventually(async () => expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason }));
}

describe('A Service that somebody turned into', () => {
  const loadBalancer = { type: 'LoadBalancer' };
  const ranges = { loadBalancerSourceRanges: ['192.0.2.0/24'] };
  const local = { externalTrafficPolicy: 'Local' };
  const other = {
    allocateLoadBalancerNodePorts: false,
    loadBalancerClass: 'example.com/x',
    loadBalancerIP: '192.0.2.1',
  };
  it.each<[string, object]>([
    ['a NodePort', { type: 'NodePort' }],
    ['a NodePort that keeps addresses', { type: 'NodePort', ...local }],
    ['a LoadBalancer', loadBalancer],
    ['a LoadBalancer of some clients', { ...loadBalancer, ...ranges }],
    ['a LoadBalancer that keeps addresses', { ...loadBalancer, ...local }],
    ['a LoadBalancer of a class', { ...loadBalancer, ...other }],
    ['a LoadBalancer of everything', { ...loadBalancer, ...other, ...ranges, ...local }],
    ['an ExternalName', { type: 'ExternalName', externalName: 'example.com' }],
  ])('%s becomes a ClusterIP again without any remains', async (_, spec) => {
    await healed(SPEC);
    const before = (await child('Service'))?.spec;
    await patch(site.admin, SERVICE(), { spec });
    expect((await child('Service'))?.spec).toMatchObject(spec);
    await heals();
    const { clusterIP: _ip, clusterIPs: _ips, ...after } = (await child('Service'))?.spec ?? {};
    const { clusterIP: _oldIp, clusterIPs: _oldIps, ...expected } = before ?? {};
    expect(after).toEqual(expected);
  });
});

describe('A refused write of one child does not hold up the others, as with', () => {
  const inNamespace = (scope: Omit<Scope, 'namespace'>) =>
    forbid(site.admin, { namespace: site.key.namespace, ...scope });

  it('a Service, while the image and the host are new', async () => {
    await healed(SPEC);
    await patch(site.admin, SERVICE(), { spec: { type: 'NodePort' } });
    const allow = await inNamespace({ apiGroup: '', resource: 'services', operations: ['UPDATE'] });
    const note = { metadata: { annotations: { note: 'x' } } };
    await eventually(() => expect(patch(site.admin, `${SERVICE()}?dryRun=All`, note)).rejects.toThrow('not here'));
    await says('Rejected');
    await replaceWebsiteSpec(site.admin, site.key, { ...HOST, image: 'nginx:2' });
    await says('Rejected');
    expect(await image()).toBe('nginx:2');
    expect((await child('Ingress'))?.spec.rules).toMatchObject([{ host: 'a.example.com' }]);
    await allow();
    await heals();
  });

  it('an Ingress that may not be deleted, while the image is new', async () => {
    await healed(HOST);
    const allow = await inNamespace({
      apiGroup: 'networking.k8s.io',
      resource: 'ingresses',
      operations: ['DELETE'],
    });
    await eventually(async () => {
      await expect(site.admin.json({ method: 'DELETE', path: `${INGRESS()}?dryRun=All`, what: 'ask' })).rejects.toThrow(
        'not here',
      );
    });
    await replaceWebsiteSpec(site.admin, site.key, { ...SPEC, image: 'nginx:2' });
    await says('Rejected');
    expect(await image()).toBe('nginx:2');
    expect(await child('Ingress')).toBeDefined();
    expect((await run()).actions.filter((action) => action !== 'update status')).toEqual([]);
    await allow();
    await heals();
    expect(await child('Ingress')).toBeUndefined();
  });

  it('an Ingress that may not be created, while the image is new', async () => {
    await healed(SPEC);
    const allow = await inNamespace({
      apiGroup: 'networking.k8s.io',
      resource: 'ingresses',
      operations: ['CREATE'],
    });
    const path = INGRESS().replace(/\/[^/]+$/, '?dryRun=All');
    const body = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'x' },
      spec: { rules: [{ host: 'x' }] },
    };
    await eventually(() =>
      expect(site.admin.json({ method: 'POST', path, what: 'ask', body })).rejects.toThrow('not here'),
    );
    await replaceWebsiteSpec(site.admin, site.key, { ...HOST, image: 'nginx:2' });
    await says('Rejected');
    expect(await image()).toBe('nginx:2');
    await allow();
    await heals();
  });
});

describe('After a reconcile restored a changed child,', () => {
  const DEPLOYMENT = () => `/apis/apps/v1/namespaces/${site.key.namespace}/deployments/shop-deployment`;
  const as = (manager: string, path: string, body: object) =>
    patch(site.admin, `${path}?fieldManager=${manager}`, body);
  const setImage = (to: string) =>
    as('kubectl-set', DEPLOYMENT(), [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: to }]);
  const NOW = new Date();
  /** Runs after the Deployment controller is done, because a run that loses every race with it fails. */
  const runNow = async () => {
    await eventually(async () => {
      const { metadata, spec, status } = (await child('Deployment')) ?? {};
      const { replicas } = spec ?? {};
      expect(status).toMatchObject({
        observedGeneration: metadata?.generation,
        replicas,
        updatedReplicas: replicas,
        availableReplicas: replicas,
      });
    });
    return reconcile(site.key, { cluster: kubernetes(site.functions), now: () => NOW });
  };
  const repairedNotes = async () => {
    const path = `/apis/events.k8s.io/v1/namespaces/${site.key.namespace}/events`;
    const { items } = (await site.admin.json({ method: 'GET', path, what: 'list events' })) as {
      items: { type: string; reason: string; note: string; regarding: object }[];
    };
    return items.filter(
      ({ reason, regarding }) => reason === 'Repaired' && 'name' in regarding && regarding.name === 'shop',
    );
  };

  it('one Event names the field and who wrote it', async () => {
    await healed(SPEC);
    expect(await repairedNotes()).toEqual([]);
    for (const other of ['nginx:2', 'nginx:3']) {
      await setImage(other);
      expect((await runNow()).repairs).toMatchObject([
        { kind: 'Deployment', fields: ['spec.template.spec.containers[0].image'] },
      ]);
      expect(await image()).toBe('nginx:1');
    }
    expect(await repairedNotes()).toMatchObject([
      {
        type: 'Normal',
        note: 'Reverted a change of Deployment shop-deployment: spec.template.spec.containers[0].image from nginx:2 to nginx:1; last written by kubectl-set',
      },
    ]);
  });

  it('an Event names an autoscaler, which writes the scale subresource, and another names who made the Service a NodePort', async () => {
    await healed(SPEC);
    await as('autoscaler', `${DEPLOYMENT()}/scale`, { spec: { replicas: 3 } });
    await as('somebody', SERVICE(), { spec: { type: 'NodePort' } });
    expect((await runNow()).repairs.map(({ kind }) => kind).toSorted()).toEqual(['Deployment', 'Service']);
    expect((await repairedNotes()).map(({ note }) => note).toSorted()).toEqual([
      'Reverted a change of Deployment shop-deployment: spec.replicas from 3 to 1; last written by autoscaler',
      expect.stringMatching(/^Reverted a change of Service shop-service: .*spec.type.*; last written by somebody$/),
    ]);
  });

  it('no Event reports a new spec, and an Event about a variable does not show its value', async () => {
    await healed({ ...SPEC, env: [{ name: 'A', value: 'secret' }] });
    await replaceWebsiteSpec(site.admin, site.key, {
      ...SPEC,
      image: 'nginx:2',
      replicas: 2,
      env: [{ name: 'A', value: 'b' }],
    });
    expect((await runNow()).repairs).toEqual([]);
    expect(await repairedNotes()).toEqual([]);
    const env = '/spec/template/spec/containers/0/env/0/value';
    await as('kubectl-set', DEPLOYMENT(), [{ op: 'replace', path: env, value: 'c' }]);
    expect((await runNow()).repairs).toHaveLength(1);
    expect((await repairedNotes()).map(({ note }) => note)).toEqual([
      'Reverted a change of Deployment shop-deployment: spec.template.spec.containers[0].env[0].value; last written by kubectl-set',
    ]);
  });
});

describe('An Ingress', () => {
  const theirs = {
    labels: { team: 'web' },
    annotations: { 'cert-manager.io/cluster-issuer': 'x', 'nginx.ingress.kubernetes.io/proxy-body-size': '8m' },
  };
  const solver = { service: { name: 'cm-acme-http-solver', port: { number: 8089 } } };
  const challenge = {
    path: '/.well-known/acme-challenge/TOKEN',
    pathType: 'ImplementationSpecific',
    backend: solver,
  };
  const pathsOf = async () =>
    (await child('Ingress'))?.spec.rules?.flatMap(({ http }) => http?.paths.map(({ path }) => path));
  const add = (path: object, index: '0' | '-') =>
    patch(site.admin, INGRESS(), [{ op: 'add', path: `/spec/rules/0/http/paths/${index}`, value: path }]);

  it('that is recreated because its class left the spec keeps the labels and annotations of others', async () => {
    await healed({ ...HOST, ingressClassName: 'nginx' });
    const before = await child('Ingress');
    await patch(site.admin, INGRESS(), { metadata: theirs });
    await replaceWebsiteSpec(site.admin, site.key, HOST);
    await heals();
    const after = await child('Ingress');
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after?.spec.ingressClassName).toBeUndefined();
    expect(after?.metadata).toMatchObject(theirs);
    expect(after?.metadata.annotations).not.toHaveProperty('websites.stable.example.com/ingress-class-from-spec');
    expect((await run()).actions).toEqual([]);
  });

  it.each([
    ['first', '0', [challenge.path, '/']],
    ['last', '-', ['/', challenge.path]],
  ] as const)('keeps a challenge path that is added %s, and no other path', async (_, index, paths) => {
    await healed(HOST);
    await add(challenge, index);
    expect((await run()).actions).toEqual([]);
    await add({ ...challenge, path: '/other' }, index);
    expect((await run()).actions).toContain('replace Ingress');
    expect(await pathsOf()).toEqual(paths);
    await replaceWebsiteSpec(site.admin, site.key, { ...HOST, tlsSecretName: 'tls' });
    await heals();
    expect(await pathsOf()).toEqual(paths);
    await replaceWebsiteSpec(site.admin, site.key, { ...HOST, host: 'b.example.com' });
    await heals();
    expect(await pathsOf()).toEqual(['/']);
  });

  const issuersOn = async () => {
    const annotations = Object.entries((await child('Ingress'))?.metadata.annotations ?? {});
    return Object.fromEntries(annotations.filter(([name]) => name.includes('issuer')));
  };
  const issuedBy = (kind: string) => ({ ...HOST, tls: { issuer: { name: 'ours', kind } } });
  const FROM_SPEC = { 'websites.stable.example.com/issuer-from-spec': 'true' };

  it('keeps an issuer annotation that somebody else added', async () => {
    await healed({ ...HOST, tlsSecretName: 'tls' });
    await patch(site.admin, INGRESS(), { metadata: theirs });
    await replaceWebsiteSpec(site.admin, site.key, { ...HOST, tls: { secretName: 'other' } });
    await heals();
    expect(await issuersOn()).toEqual({ 'cert-manager.io/cluster-issuer': 'x' });
  });

  it('has only the issuer of the spec, and no issuer once it leaves the spec', async () => {
    await healed(issuedBy('Issuer'));
    expect(await issuersOn()).toEqual({ 'cert-manager.io/issuer': 'ours', ...FROM_SPEC });
    await patch(site.admin, INGRESS(), { metadata: theirs });
    expect((await run()).actions).toContain('replace Ingress');
    expect(await issuersOn()).toEqual({ 'cert-manager.io/issuer': 'ours', ...FROM_SPEC });
    await replaceWebsiteSpec(site.admin, site.key, issuedBy('ClusterIssuer'));
    await heals();
    expect(await issuersOn()).toEqual({ 'cert-manager.io/cluster-issuer': 'ours', ...FROM_SPEC });
    await replaceWebsiteSpec(site.admin, site.key, HOST);
    await heals();
    expect(await issuersOn()).toEqual({});
    expect((await child('Ingress'))?.spec.tls ?? []).toEqual([]);
  });

  it('keeps the challenge path of each host while paths are added and removed', async () => {
    const spec = { ...HOST, hosts: ['b.example.com'], paths: [{ path: '/shop' }] };
    await healed(spec);
    await add(challenge, '0');
    await patch(site.admin, INGRESS(), [{ op: 'add', path: '/spec/rules/1/http/paths/-', value: challenge }]);
    expect((await run()).actions).toEqual([]);
    await replaceWebsiteSpec(site.admin, site.key, {
      ...spec,
      paths: [{ path: '/a', type: 'Exact' }, { path: '/shop' }],
    });
    await heals();
    expect((await pathsOf())?.toSorted()).toEqual([challenge.path, challenge.path, '/a', '/a', '/shop', '/shop']);
    expect((await run()).actions).toEqual([]);
    await replaceWebsiteSpec(site.admin, site.key, HOST);
    await heals();
    expect(await pathsOf()).toEqual([challenge.path, '/']);
  });
});
