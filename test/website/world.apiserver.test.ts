// Faults around the functions on the real API server: what happens to a Website, what its status says, and that it recovers.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type Fault, type FaultProxy } from '../faults/proxy.ts';
import {
  createNamespace,
  createWebsite,
  patch,
  remove,
  removeWebsite,
  removeWebsitesIn,
  replaceWebsiteSpec,
} from '../real-cluster.ts';
import { startWebhook, type Webhook } from '../webhook.ts';

const SPEC = { image: 'nginx:1', replicas: 1 };

let admin: Transport;
let proxy: FaultProxy;
let transport: Transport;
let key: WebsiteKey;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  key = { namespace: await createNamespace(admin, 'world'), name: 'shop' };
  proxy = await faultProxy(inject('functionsKubeconfig'));
  transport = await connect({ kubeconfig: proxy.kubeconfig });
});
afterEach(async () => {
  await removeWebsitesIn(admin, key.namespace);
  await transport.close();
  await proxy.close();
});

const run = () => reconcile(key, { cluster: kubernetes(transport), now: () => new Date() });
const create = () => createWebsite(admin, key, SPEC);
const deployment = () => kubernetes(admin).getChild('Deployment', key);
const pathOf = (plural: string, name: string, group = 'api/v1') =>
  `/${group}/namespaces/${key.namespace}/${plural}/${name}`;
const DEPLOYMENT = () => pathOf('deployments', 'shop-deployment', 'apis/apps/v1');

async function make(path: string, body: object): Promise<void> {
  await admin.json({ method: 'POST', path: path.replace(/\/[^/]+$/, ''), what: `create ${path}`, body });
}

/** The condition Ready as a text. */
async function said(): Promise<string | undefined> {
  const website = await kubernetes(admin).getWebsite(key);
  const ready = website?.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready && `${ready.status} ${ready.reason}: ${ready.message}`;
}
const heals = () =>
  eventually(async () => expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Available' }));

describe('A run fails after a transient error, and the next one succeeds:', () => {
  it.each<[string, string, Fault, string]>([
    ['403 for a missing right', 'POST', { answer: 403, reason: 'Forbidden' }, 'Forbidden'],
    ['401', 'POST', { answer: 401, reason: 'Unauthorized' }, 'Unauthorized'],
    ['429', 'POST', { answer: 429, reason: 'TooManyRequests', retryAfter: 3 }, 'TooManyRequests'],
    [
      '500, which means that a webhook did not answer,',
      'POST',
      { answer: 500, reason: 'InternalError' },
      'InternalError',
    ],
    ['503', 'PUT', { answer: 503, reason: 'ServiceUnavailable' }, 'Unavailable'],
    ['504', 'GET', { answer: 504, reason: 'Timeout' }, 'Timeout'],
    [
      '404 from an API server that does not know the CRD yet',
      'GET',
      { answer: 404, reason: 'NotFound' },
      'UnknownResource',
    ],
    ['a broken connection', 'GET', { drop: 'before' }, 'Unreachable'],
    // An incomplete error does not say which object was not found.
    ['an incomplete answer', 'GET', { truncateAfter: 20 }, 'UnknownResource'],
  ])('%s to a %s', async (_, method, fault, code) => {
    await create();
    proxy.add({ method, path: /./, fault });
    await expect(run()).rejects.toMatchObject({ name: 'ClusterError', code });
    proxy.heal();
    await heals();
  });
});

it('A Website that a quota refuses says so, and becomes ready when there is room', async () => {
  const quota = pathOf('resourcequotas', 'none');
  const hard = (count: number) => ({ spec: { hard: { 'count/deployments.apps': String(count) } } });
  await make(quota, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, ...hard(0) });
  // Wait until the quota's controller has counted.
  await eventually(async () =>
    expect(await admin.json({ method: 'GET', path: quota, what: 'get' })).toMatchObject({ status: { hard: {} } }),
  );
  await create();
  expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'QuotaExceeded', requeueAfterSeconds: 30 });
  expect(await said()).toMatch(/^False QuotaExceeded: Could not create deployments .*exceeded quota: none/);
  expect(await kubernetes(admin).getChild('Service', key)).toBeDefined();
  await patch(admin, quota, hard(1));
  await heals();
});

it('A Website that the API server refuses has its message, and becomes ready after a valid spec', async () => {
  const tooLittle = { requests: { cpu: '2' }, limits: { cpu: '1' } };
  await createWebsite(admin, key, { ...SPEC, resources: tooLittle });
  expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'Rejected', requeueAfterSeconds: 30 });
  expect(await said()).toMatch(
    /^False Rejected: Could not create deployments .*must be less than or equal to cpu limit/,
  );
  await replaceWebsiteSpec(admin, key, SPEC);
  await heals();
});

describe('An admission webhook', () => {
  let webhook: Webhook;
  beforeEach(async () => {
    webhook = await startWebhook(admin, { namespace: key.namespace, resource: 'deployments' });
    await create();
  });
  afterEach(() => webhook.close());

  it('that does not answer fails the run, and the next one succeeds', async () => {
    webhook.answer = () => undefined;
    // The API server calls the webhook only once it has read its configuration.
    await eventually(async () => {
      const left = await run().catch((error: unknown) => error);
      if (!(left instanceof ClusterError)) await remove(admin, DEPLOYMENT());
      expect(left).toMatchObject({ code: 'InternalError', status: 500 });
    });
    expect(await deployment()).toBeUndefined();
    expect(await kubernetes(admin).getChild('Service', key)).toBeDefined();
    webhook.answer = () => ({ allowed: true });
    await heals();
  });

  it.each([
    ['with 403', { code: 403, message: 'no tags' }],
    ['with 422', { code: 422, message: 'no tags' }],
    ['without a code', { message: 'no tags' }],
  ])(
    'that denies a write %s has its message in the status, with no retry by the sender, until the spec is accepted',
    async (_, status) => {
      webhook.answer = (image) => ({ allowed: !image.includes('nginx:1'), status });
      await eventually(async () => {
        const { outcome } = await run();
        if (outcome.kind !== 'stalled') await remove(admin, DEPLOYMENT());
        expect(outcome).toEqual({ kind: 'stalled', reason: 'Rejected', requeueAfterSeconds: 30 });
      });
      expect(await said()).toMatch(
        /^False Rejected: .*admission webhook "test\.example\.com" denied the request: no tags/,
      );
      await replaceWebsiteSpec(admin, key, { ...SPEC, image: 'nginx:2' });
      await heals();
    },
  );
});

it.each(['Forbidden', 'Invalid'])(
  'A policy of the cluster that denies with %s has its message in the status, and is tried again after half a minute',
  async (reason) => {
    const name = key.namespace;
    const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
    const apiVersion = 'admissionregistration.k8s.io/v1';
    await make(`${policies}/x`, {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] },
          ],
        },
        validations: [{ expression: 'false', message: 'not here', reason }],
      },
    });
    await make(`${policies.replace(/policies$/, 'policybindings')}/x`, {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: {
        policyName: name,
        validationActions: ['Deny'],
        matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': key.namespace } } },
      },
    });
    await create();
    await eventually(async () => {
      const { outcome } = await run();
      if (outcome.kind !== 'stalled') await remove(admin, DEPLOYMENT());
      expect(outcome).toEqual({ kind: 'stalled', reason: 'Rejected', requeueAfterSeconds: 30 });
    });
    expect(await said()).toMatch(/^False Rejected: .*denied request: not here/);
    await remove(admin, `${policies}/${name}`);
    await heals();
  },
);

describe('A stale answer', () => {
  const observed = async () => (await kubernetes(admin).getWebsite(key))?.status?.observedGeneration;

  it('is never requested', async () => {
    await create();
    await heals();
    expect(proxy.requests.length).toBeGreaterThan(5);
    expect(proxy.requests.filter((request) => request.includes('resourceVersion'))).toEqual([]);
  });

  it('does not change the status back, and the next run succeeds', async () => {
    await create();
    await heals();
    await replaceWebsiteSpec(admin, key, { ...SPEC, image: 'nginx:2' });
    await heals();
    expect(await observed()).toBe(2);
    proxy.add({ method: 'GET', path: /websites\/shop/, fault: { stale: true } });
    await expect(run()).rejects.toMatchObject({ code: 'Conflict' });
    expect(await observed()).toBe(2);
    proxy.heal();
    await heals();
    expect((await deployment())?.spec.template.spec?.containers[0]?.image).toBe('nginx:2');
  });

  it('P4: about an earlier Website of the same name leads to no write', async () => {
    await create();
    await heals();
    await removeWebsite(admin, key);
    await eventually(async () => expect(await deployment()).toBeUndefined());
    await createWebsite(admin, key, { ...SPEC, image: 'nginx:2' });
    const direct = { cluster: kubernetes(admin), now: () => new Date() };
    await eventually(async () => expect((await reconcile(key, direct)).outcome.kind).toBe('settled'));
    const before = [await deployment(), await kubernetes(admin).getWebsite(key)];
    proxy.add({ method: 'GET', path: /websites\/shop/, fault: { stale: true } });
    await expect(run()).rejects.toMatchObject({ code: 'Conflict' });
    expect([await deployment(), await kubernetes(admin).getWebsite(key)]).toEqual(before);
  });
});

it('A clock that jumps leads to no write for a Website that is as declared', async () => {
  await create();
  await heals();
  const before = await kubernetes(admin).getWebsite(key);
  for (const minutes of [10, -10, 60 * 24 * 400]) {
    const now = () => new Date(Date.now() + minutes * 60_000);
    expect((await reconcile(key, { cluster: kubernetes(admin), now })).actions).toEqual([]);
  }
  expect(await kubernetes(admin).getWebsite(key)).toEqual(before);
});

it('In a namespace that is being deleted, a run creates nothing and ends without an error', async () => {
  await create();
  const namespace = `/api/v1/namespaces/${key.namespace}`;
  // A foreign finalizer keeps the Website, and with it the namespace.
  const website = pathOf('websites', 'shop', 'apis/stable.example.com/v1');
  await patch(admin, website, { metadata: { finalizers: ['test.example.com/hold'] } });
  await remove(admin, namespace);
  await eventually(async () => expect((await run()).outcome).toEqual({ kind: 'gone' }));
  expect(await deployment()).toBeUndefined();
  await patch(admin, website, { metadata: { finalizers: null } });
});

describe('After another program', () => {
  beforeEach(async () => {
    await create();
    await heals();
  });

  it.each([
    ['our labels', { metadata: { labels: { 'app.kubernetes.io/managed-by': 'somebody' } } }],
    ['the image', { spec: { template: { spec: { containers: [{ name: 'webserver', image: 'nginx:evil' }] } } } }],
    ['the replicas', { spec: { replicas: 7 } }],
  ])('changed %s, the run restores it', async (_, change) => {
    const before = await deployment();
    await admin.json({
      method: 'PATCH',
      path: DEPLOYMENT(),
      what: 'patch',
      body: change,
      contentType: 'application/strategic-merge-patch+json',
    });
    await heals();
    const after = await deployment();
    expect(after?.metadata.labels).toEqual(before?.metadata.labels);
    expect(after?.spec.replicas).toBe(1);
    expect(after?.spec.template.spec?.containers.map(({ image }) => image)).toEqual(['nginx:1']);
  });

  it('added labels, annotations and a container, the runs keep them', async () => {
    const restart = { 'kubectl.kubernetes.io/restartedAt': '2026-01-02T03:04:05Z' };
    const change = {
      metadata: { labels: { team: 'web' }, annotations: { note: 'x' } },
      spec: {
        template: { metadata: { annotations: restart }, spec: { containers: [{ name: 'proxy', image: 'proxy:1' }] } },
      },
    };
    const contentType = 'application/strategic-merge-patch+json';
    await admin.json({ method: 'PATCH', path: DEPLOYMENT(), what: 'patch', body: change, contentType });
    await heals();
    await replaceWebsiteSpec(admin, key, { ...SPEC, image: 'nginx:2' });
    await heals();
    const after = await deployment();
    expect(after?.metadata).toMatchObject({ labels: { team: 'web' }, annotations: { note: 'x' } });
    expect(after?.spec.template.metadata?.annotations).toMatchObject(restart);
    expect(after?.spec.template.spec?.containers.map(({ image }) => image).toSorted()).toEqual(['nginx:2', 'proxy:1']);
  });

  it.each([
    ['removed blockOwnerDeletion', {}],
    ['removed the value true of blockOwnerDeletion', { blockOwnerDeletion: false }],
  ])('%s from an owner reference, the runs keep the reference that way and apply a new spec', async (_, given) => {
    await replaceWebsiteSpec(admin, key, { ...SPEC, host: 'a.example.com' });
    await heals();
    const { metadata } = (await kubernetes(admin).getWebsite(key)) ?? {};
    const owner = { apiVersion: 'stable.example.com/v1', kind: 'Website', name: 'shop', uid: metadata?.uid };
    const ownerReferences = [{ ...owner, controller: true, ...given }];
    const children = [
      DEPLOYMENT(),
      pathOf('services', 'shop-service'),
      pathOf('ingresses', 'shop-ingress', 'apis/networking.k8s.io/v1'),
    ];
    for (const child of children) await patch(admin, child, { metadata: { ownerReferences } });
    await heals();
    await replaceWebsiteSpec(admin, key, { image: 'nginx:2', replicas: 1, host: 'b.example.com' });
    await heals();
    expect((await deployment())?.spec.template.spec?.containers[0]?.image).toBe('nginx:2');
    for (const path of children)
      expect(await admin.json({ method: 'GET', path, what: 'get' })).toMatchObject({ metadata: { ownerReferences } });
  });

  it('removed our owner reference and our label, the child stays unchanged, and the Website reports a conflict until it is deleted', async () => {
    const labels = { 'app.kubernetes.io/managed-by': null };
    await patch(admin, DEPLOYMENT(), { metadata: { ownerReferences: null, labels } });
    const kept = await deployment();
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
    expect((await deployment())?.metadata.generation).toBe(kept?.metadata.generation);
    await remove(admin, DEPLOYMENT());
    await heals();
  });

  it('removed only our owner reference, a run restores it, or reports that it lacks the right to', async () => {
    await patch(admin, DEPLOYMENT(), { metadata: { ownerReferences: null } });
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'NameConflict' });
    expect(await said()).toMatch(/^False NameConflict: Deployment shop-deployment .*no right to adopt it/);
    const orphan = await deployment();
    await reconcile(key, { cluster: kubernetes(admin), now: () => new Date() });
    const adopted = await deployment();
    expect(adopted?.metadata).toMatchObject({ uid: orphan?.metadata.uid, ownerReferences: [{ controller: true }] });
    await heals();
  });

  it('created our Deployment with another selector, the Website asks to delete it, and the runs do not loop', async () => {
    const { metadata, spec } = (await deployment()) ?? {};
    const labels = { app: 'other' };
    await remove(admin, `${DEPLOYMENT()}?propagationPolicy=Foreground`);
    await eventually(async () => expect(await deployment()).toBeUndefined());
    await make(DEPLOYMENT(), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: metadata?.name, ownerReferences: metadata?.ownerReferences },
      spec: { ...spec, selector: { matchLabels: labels }, template: { ...spec?.template, metadata: { labels } } },
    });
    expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'ImmutableSelector' });
    expect(await said()).toMatch(/delete it to have it recreated$/);
    // The status follows the Pods of this Deployment, and then nothing is left to write.
    await eventually(async () => expect((await run()).actions).toEqual([]));
    await remove(admin, DEPLOYMENT());
    await heals();
  });
});
