// Clusters with policies that change every Deployment. Fields that the spec does not state belong to the policy. The status reports stated fields that do not last.
import { describe, expect, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { resyncWebsites } from '../../functions/resync-websites.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { REQUESTED_AT } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { mutate } from '../policies.ts';
import { createWebsite, patch, patchWebsite, replaceWebsiteSpec } from '../real-cluster.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { STATED } from '../../functions/website/children/metadata.ts';
import { oneWebsite } from '../accounts.ts';

const SPEC = { image: 'nginx:1', replicas: 1 };

const site = oneWebsite('policies');

const context = () => ({ cluster: kubernetes(site.functions, [site.key.namespace]), now: () => new Date() });
const run = () => reconcile(site.key, context());
const heals = () =>
  eventually(async () => expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Available' }));
const resync = () =>
  resyncWebsites({
    ...context(),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    resyncPlace: { last: undefined },
  });
const deployments = () => `/apis/apps/v1/namespaces/${site.key.namespace}/deployments`;

async function deployment(): Promise<Deployment> {
  const found = await kubernetes(site.admin).getChild('Deployment', site.key);
  if (found === undefined) throw new Error('The Deployment is missing');
  return found;
}
const container = async () =>
  (await deployment()).spec.template.spec?.containers.find(({ name }) => name === 'webserver');
const written = (actions: readonly string[]) => actions.filter((action) => action !== 'update status');

async function message(): Promise<string | undefined> {
  const website = await kubernetes(site.admin).getWebsite(site.key);
  return website?.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
}

/** A Deployment for a dry run that shows whether a policy works. */
const PROBE = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'probe' },
  spec: {
    selector: { matchLabels: { app: 'probe' } },
    template: {
      metadata: { labels: { app: 'probe' } },
      spec: { containers: [{ name: 'webserver', image: 'probe:1' }] },
    },
  },
};

const admitted = async (): Promise<string> =>
  JSON.stringify(
    (
      (await site.admin.json({
        method: 'POST',
        path: `${deployments()}?dryRun=All`,
        what: 'ask',
        body: PROBE,
      })) as Deployment
    ).spec,
  );

/** @returns a function that removes the policy and waits until it is gone. */
async function policy(expression: string): Promise<() => Promise<void>> {
  const scope = { namespace: site.key.namespace, apiGroup: 'apps', resource: 'deployments' };
  const before = await admitted();
  const end = await mutate(site.admin, { ...scope, operations: ['CREATE', 'UPDATE'] }, expression);
  await eventually(async () => expect(await admitted()).not.toBe(before));
  return async () => {
    await end();
    await eventually(async () => expect(await admitted()).toBe(before));
  };
}

const POD = 'Object.spec.template.spec';
const template = (of: string) => `Object{spec: Object.spec{template: Object.spec.template{${of}}}}`;
const everyContainer = (fields: string) =>
  template(
    `spec: ${POD}{containers: object.spec.template.spec.containers.map(c, ${POD}.containers{name: c.name, ${fields}})}`,
  );
const REGISTRY = everyContainer('image: c.image.startsWith("mirror/") ? c.image : "mirror/" + c.image');

describe('A Website becomes Ready, its changes roll out, and removed fields leave the Deployment, if a policy', () => {
  it.each<[string, string, object]>([
    ['always pulls', everyContainer('imagePullPolicy: "Always"'), { imagePullPolicy: 'Always' }],
    [
      'sets limits',
      everyContainer(`resources: ${POD}.containers.resources{limits: {"cpu": "500m"}}`),
      { resources: { limits: { cpu: '500m' } } },
    ],
    [
      'adds a variable',
      everyContainer(`env: [${POD}.containers.env{name: "POLICY", value: "1"}]`),
      { env: expect.arrayContaining([{ name: 'POLICY', value: '1' }]) as unknown },
    ],
    [
      'probes less often',
      everyContainer(`readinessProbe: ${POD}.containers.readinessProbe{periodSeconds: 30}`).replace(
        'periodSeconds: 30}',
        `periodSeconds: 30, tcpSocket: ${POD}.containers.readinessProbe.tcpSocket{port: "http"}}`,
      ),
      { readinessProbe: { periodSeconds: 30 } },
    ],
    [
      'sets a security context',
      everyContainer(
        `securityContext: ${POD}.containers.securityContext{readOnlyRootFilesystem: true, runAsNonRoot: true}`,
      ),
      { securityContext: { readOnlyRootFilesystem: true, runAsNonRoot: true } },
    ],
    [
      'adds a port',
      everyContainer(`ports: [${POD}.containers.ports{containerPort: 9090, protocol: "TCP", name: "metrics"}]`),
      { ports: expect.arrayContaining([expect.objectContaining({ containerPort: 9090 })]) as unknown },
    ],
    [
      'names another component',
      `Object{metadata: Object.metadata{labels: {"app.kubernetes.io/component": "x"}}, ${template(
        'metadata: Object.spec.template.metadata{labels: {"app.kubernetes.io/component": "x"}}',
      ).slice('Object{'.length)}`,
      {},
    ],
    [
      'adds a container',
      template(`spec: ${POD}{containers: [${POD}.containers{name: "proxy", image: "proxy:1"}]}`),
      {},
    ],
  ])('%s', async (_, expression, theirs) => {
    await policy(expression);
    await createWebsite(site.admin, site.key, SPEC);
    expect(written((await run()).actions)).toEqual(['create Deployment', 'create Service']);
    expect(written((await run()).actions)).toEqual([]);
    await heals();
    expect(await container()).toMatchObject(theirs);
    const rich = {
      ...SPEC,
      image: 'nginx:2',
      env: [{ name: 'A', value: 'a' }],
      resources: { requests: { memory: '8Mi' }, limits: { memory: '16Mi' } },
      securityProfile: 'restricted',
    };
    await replaceWebsiteSpec(site.admin, site.key, rich);
    await heals();
    expect(await container()).toMatchObject({
      image: 'nginx:2',
      env: expect.arrayContaining([{ name: 'A', value: 'a' }]) as unknown,
      resources: { limits: { memory: '16Mi' } },
      securityContext: { allowPrivilegeEscalation: false },
    });
    await replaceWebsiteSpec(site.admin, site.key, { ...SPEC, image: 'nginx:3', port: 8080 });
    await heals();
    const after = await container();
    expect(after).toMatchObject({ image: 'nginx:3', ...theirs });
    expect(JSON.stringify(after)).not.toMatch(/"A"|Mi"|allowPrivilegeEscalation|"containerPort":80,/);
    await eventually(async () => expect((await run()).actions).toEqual([]));
  });
});

describe('A policy that changes the image', () => {
  const OVERRIDDEN = { kind: 'stalled', reason: 'Overridden' };
  /** Two runs report the policy and write no child. */
  async function quiet(): Promise<void> {
    for (const { outcome, actions } of [await run(), await run()]) {
      expect(outcome).toEqual(OVERRIDDEN);
      expect(written(actions)).toEqual([]);
    }
  }

  it('is reported with both images after one write, and no child is written again until something changes', async () => {
    await policy(REGISTRY);
    await createWebsite(site.admin, site.key, SPEC);
    expect(written((await run()).actions)).toEqual(['create Deployment', 'create Service']);
    await quiet();
    expect(await message()).toBe(
      'Deployment shop-deployment does not stay as written, because an admission policy or webhook changes spec.template.spec.containers[0].image to mirror/nginx:1 (the spec: nginx:1)',
    );
    const { generation } = (await deployment()).metadata;
    expect(await resync()).toMatchObject({ failed: 0 });
    expect((await deployment()).metadata.generation).toBe(generation);

    await replaceWebsiteSpec(site.admin, site.key, { ...SPEC, image: 'nginx:2' });
    const { outcome, actions } = await run();
    expect(outcome).toEqual(OVERRIDDEN);
    expect(written(actions)).toContain('replace Deployment');
    await quiet();
    expect((await container())?.image).toBe('mirror/nginx:2');

    await patchWebsite(site.admin, site.key, { metadata: { annotations: { [REQUESTED_AT]: 'now' } } });
    expect((await run()).actions).toContain('replace Deployment');
    await quiet();

    await patch(site.admin, `${deployments()}/shop-deployment`, { spec: { replicas: 2 } });
    expect((await run()).actions).toContain('replace Deployment');
    expect((await deployment()).spec.replicas).toBe(1);
  });

  it('and is then removed lets one resync restore the Website', async () => {
    const end = await policy(REGISTRY);
    await createWebsite(site.admin, site.key, SPEC);
    await run();
    expect((await run()).outcome).toEqual(OVERRIDDEN);
    await end();
    await quiet();
    expect(await resync()).toMatchObject({ differing: 1, failed: 0 });
    expect((await container())?.image).toBe('nginx:1');
    await heals();
  });
});

it('A Deployment of the last release without the annotation of stated fields needs no write, and loses fields that leave the spec', async () => {
  const spec = { ...SPEC, env: [{ name: 'A', value: 'a' }] };
  await createWebsite(site.admin, site.key, spec);
  await heals();
  await patch(site.admin, `${deployments()}/shop-deployment`, { metadata: { annotations: { [STATED]: null } } });
  expect(written((await run()).actions)).toEqual([]);
  await replaceWebsiteSpec(site.admin, site.key, SPEC);
  await heals();
  expect((await container())?.env).toBeUndefined();
  expect((await deployment()).metadata.annotations).toHaveProperty([STATED]);
});

it('A variable that somebody adds stays, unless the spec has a variable of that name', async () => {
  await createWebsite(site.admin, site.key, { ...SPEC, env: [{ name: 'A', value: 'a' }] });
  await heals();
  const contentType = 'application/strategic-merge-patch+json';
  const env = [
    { name: 'A', value: 'x' },
    { name: 'B', value: 'b' },
  ];
  const body = { spec: { template: { spec: { containers: [{ name: 'webserver', env }] } } } };
  await site.admin.json({
    method: 'PATCH',
    path: `${deployments()}/shop-deployment`,
    what: 'patch',
    body,
    contentType,
  });
  await heals();
  expect((await container())?.env).toEqual([
    { name: 'A', value: 'a' },
    { name: 'B', value: 'b' },
  ]);
});

it('A policy that sets back the generation of the status is reported at once, and does not wait for a resync', async () => {
  await createWebsite(site.admin, site.key, { ...SPEC, replicas: 0 });
  await eventually(async () => expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Parked' }));
  const scope = { namespace: site.key.namespace, apiGroup: 'stable.example.com', resource: 'websites/status' };
  const set = 'Object{status: Object.status{observedGeneration: 1}}';
  const end = await mutate(site.admin, { ...scope, operations: ['UPDATE'] }, set);
  // The API server heeds a policy after a while. Each new generation needs a status write, which shows whether it does.
  let replicas = 0;
  await eventually(async () => {
    await replaceWebsiteSpec(site.admin, site.key, { ...SPEC, replicas: ++replicas });
    expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'Overridden' });
  });
  await end();
  await eventually(async () => expect((await run()).outcome.kind).not.toBe('stalled'));
});
