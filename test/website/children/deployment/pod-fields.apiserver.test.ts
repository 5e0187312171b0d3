// Each field about Pods on the real API server: stated, changed, removed from the spec, and set by hand while the spec does not state it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubernetes } from '../../../../functions/cluster/kubernetes.ts';
import { reconcile } from '../../../../functions/website/reconcile.ts';
import type { Website, WebsiteKey } from '../../../../functions/website/resource.ts';
import { readChildren, SCOPES } from '../../../../functions/website/run/scope.ts';
import { eventually } from '../../../eventually.ts';
import { EVERYTHING_ABOUT_PODS } from '../../../fixtures/pods.ts';
import { mutate } from '../../../policies.ts';
import { createNamespace, createWebsite, removeWebsitesIn, replaceWebsiteSpec } from '../../../real-cluster.ts';
import type { Spec } from '../../generated.ts';
import { expectChildren } from '../../oracle.ts';
import { accounts } from '../../../accounts.ts';

/** No Pods, because these tests only look at the Deployment. */
const SPEC = { image: 'nginx:1', replicas: 0 };

const real = accounts();
let namespace: string;
let names = 0;

beforeAll(async () => {
  namespace = await createNamespace(real.admin, 'pods');
});
afterAll(() => removeWebsitesIn(real.admin, namespace));

const nextKey = (): WebsiteKey => ({ namespace, name: `site-${++names}` });
const run = (key: WebsiteKey) =>
  eventually(async () => {
    const { outcome, actions } = await reconcile(key, { cluster: kubernetes(real.functions), now: () => new Date() });
    expect(outcome.kind).not.toBe('stalled');
    return actions.filter((action) => action !== 'update status');
  });
async function deployment(key: WebsiteKey) {
  const found = await kubernetes(real.admin).getChild('Deployment', key);
  if (found === undefined) throw new Error('The Deployment is missing');
  return found;
}

/** Gives a Website this spec. Its children must match the oracle, without a second write. */
async function follow(key: WebsiteKey, spec: Spec): Promise<void> {
  await replaceWebsiteSpec(real.admin, key, spec);
  await run(key);
  const website = (await kubernetes(real.admin).getWebsite(key)) as Website;
  expectChildren(spec, website, await readChildren(key, kubernetes(real.admin), SCOPES.everything));
  expect(await run(key)).toEqual([]);
}

async function created(spec: Spec): Promise<WebsiteKey> {
  const key = nextKey();
  await createWebsite(real.admin, key, spec);
  await follow(key, spec);
  return key;
}

const ref = (name: string) => ({ secretKeyRef: { name, key: 'k' } });
const CHANGES: readonly (readonly [field: string, stated: object, changed: object])[] = [
  [
    'a variable from a Secret',
    { env: [{ name: 'A', valueFrom: ref('a') }] },
    { env: [{ name: 'A', valueFrom: ref('b') }] },
  ],
  [
    'a variable that becomes a value',
    { env: [{ name: 'A', valueFrom: ref('a') }] },
    { env: [{ name: 'A', value: 'a' }] },
  ],
  [
    'a value that becomes a variable',
    { env: [{ name: 'A', value: 'a' }] },
    { env: [{ name: 'A', valueFrom: ref('a') }] },
  ],
  [
    'an optional key of a ConfigMap',
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a', key: 'k', optional: true } } }] },
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a', key: 'k', optional: false } } }] },
  ],
  [
    'every key of objects',
    { envFrom: [{ secretRef: { name: 'a' } }, { prefix: 'B_', configMapRef: { name: 'b', optional: true } }] },
    { envFrom: [{ configMapRef: { name: 'b' } }] },
  ],
  ['health', { health: { path: '/' } }, { health: { path: '/healthz', port: 9000, startupSeconds: 3600 } }],
  ['a command', { command: ['a', '$(A)', ''] }, { command: ['b'] }],
  ['arguments', { args: ['a', '-v'] }, { args: [''] }],
  ['pull secrets', { imagePullSecrets: [{ name: 'a' }, { name: 'b' }] }, { imagePullSecrets: [{ name: 'b' }] }],
  ['a ServiceAccount', { serviceAccountName: 'a' }, { serviceAccountName: 'b.c' }],
  ['a token', { automountServiceAccountToken: true }, { automountServiceAccountToken: false }],
  ['a rollout', { rollout: { maxSurge: 1, maxUnavailable: 0 } }, { rollout: { maxUnavailable: '50%' } }],
  ['a rollout of defaults', { rollout: {} }, { rollout: { maxSurge: '0%' } }],
  ['nodes', { placement: { nodeSelector: { a: 'b', c: '' } } }, { placement: { nodeSelector: { a: 'c' } } }],
  [
    'tolerations',
    { placement: { tolerations: [{ operator: 'Exists' }, { key: 'a', value: '' }] } },
    { placement: { tolerations: [{ key: 'a', effect: 'NoExecute', tolerationSeconds: -1 }] } },
  ],
  [
    'empty fields',
    { envFrom: [], command: [], args: [], imagePullSecrets: [], placement: { nodeSelector: {}, tolerations: [] } },
    { placement: {} },
  ],
  ['everything', { ...EVERYTHING_ABOUT_PODS, ...SPEC }, { ...SPEC, image: 'nginx:2' }],
];

describe('The Deployment follows the spec, without a second write, for', () => {
  it.concurrent.each(CHANGES)('%s', async (_, stated, changed) => {
    const key = await created({ ...SPEC, ...stated });
    await follow(key, { ...SPEC, ...changed });
    await follow(key, { ...SPEC, ...stated });
    await follow(key, SPEC);
    const fresh = await created(SPEC);
    const [then, now] = [await deployment(key), await deployment(fresh)].map(({ spec }) =>
      JSON.stringify(spec).replaceAll(/site-\d+/g, 'SITE'),
    );
    expect(then).toBe(now);
  });
});

const container = (fields: object) => ({ template: { spec: { containers: [{ name: 'webserver', ...fields }] } } });
const pod = (fields: object) => ({ template: { spec: fields } });
const byHand = (key: WebsiteKey, spec: object) =>
  real.admin.json({
    method: 'PATCH',
    path: `/apis/apps/v1/namespaces/${namespace}/deployments/${key.name}-deployment`,
    what: 'patch',
    body: { spec },
    contentType: 'application/strategic-merge-patch+json',
  });

const LIVENESS = { tcpSocket: { port: 'http' }, httpGet: null, periodSeconds: 77 };
describe('A field that somebody sets by hand:', () => {
  const cases: readonly (readonly [field: string, hand: object, stated: object])[] = [
    ['a command', container({ command: ['theirs'] }), { command: ['ours'] }],
    ['arguments', container({ args: ['theirs'] }), { args: ['ours'] }],
    [
      'sources of variables',
      container({ envFrom: [{ secretRef: { name: 'theirs' } }] }),
      { envFrom: [{ secretRef: { name: 'ours' } }] },
    ],
    ['a liveness probe', container({ livenessProbe: LIVENESS }), { health: { path: '/ours' } }],
    ['a pull secret', pod({ imagePullSecrets: [{ name: 'theirs' }] }), { imagePullSecrets: [{ name: 'ours' }] }],
    ['a ServiceAccount', pod({ serviceAccountName: 'theirs' }), { serviceAccountName: 'ours' }],
    ['nodes', pod({ nodeSelector: { pool: 'theirs' } }), { placement: { nodeSelector: { pool: 'ours' } } }],
    ['a toleration', pod({ tolerations: [{ key: 'theirs' }] }), { placement: { tolerations: [{ key: 'ours' }] } }],
    ['a strategy', { strategy: { rollingUpdate: { maxSurge: 7 } } }, { rollout: { maxSurge: 1 } }],
  ];

  it.concurrent.each(cases)(
    '%s stays while the spec does not state it, and is replaced when it does',
    async (_, hand, stated) => {
      const key = await created(SPEC);
      await byHand(key, hand);
      const { spec } = await deployment(key);
      expect(await run(key)).toEqual([]);
      await replaceWebsiteSpec(real.admin, key, { ...SPEC, port: 8080 });
      await run(key);
      const after = (await deployment(key)).spec;
      const text = JSON.stringify(after);
      expect(text.replace('"containerPort":8080', '"containerPort":80')).toBe(JSON.stringify(spec));
      await follow(key, { ...SPEC, ...stated });
    },
  );

  it.concurrent.each(cases)('%s is restored if the spec states it', async (_, hand, stated) => {
    const key = await created({ ...SPEC, ...stated });
    const { spec } = await deployment(key);
    await byHand(key, hand);
    expect(await run(key)).toEqual(['replace Deployment']);
    expect((await deployment(key)).spec).toEqual(spec);
  });
});

describe('A policy that probes less often', () => {
  const CONTAINER = 'Object.spec.template.spec.containers';
  const slow = (probe: string) => `${probe}: ${CONTAINER}.${probe}{periodSeconds: 33, timeoutSeconds: 22}`;
  const changed = (probes: readonly string[]) => `${CONTAINER}{name: c.name, ${probes.map(slow).join(', ')}}`;
  const ready = ['readinessProbe'];
  const containers = `object.spec.template.spec.containers.map(c, has(c.livenessProbe) ? ${changed([...ready, 'livenessProbe', 'startupProbe'])} : ${changed(ready)})`;
  const expression = `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: ${containers}}}}}`;

  const probes = async (key: WebsiteKey) => {
    const [found] = (await deployment(key)).spec.template.spec?.containers ?? [];
    return [found?.readinessProbe, found?.livenessProbe, found?.startupProbe];
  };

  it('keeps its timing without a shorter start-up time, and the path and the port follow the spec', async () => {
    const scope = { namespace, apiGroup: 'apps', resource: 'deployments' };
    const end = await mutate(real.admin, { ...scope, operations: ['CREATE', 'UPDATE'] }, expression);
    try {
      await eventually(async () => {
        const [readiness] = await probes(await created(SPEC));
        expect(readiness).toMatchObject({ tcpSocket: { port: 'http' }, periodSeconds: 33 });
      });
      const key = await created(SPEC);
      for (const health of [{ path: '/' }, { path: '/healthz', port: 9000 }]) {
        await replaceWebsiteSpec(real.admin, key, { ...SPEC, health });
        await run(key);
        for (const probe of await probes(key))
          expect(probe).toMatchObject({ periodSeconds: 33, timeoutSeconds: 22, httpGet: { port: 'http', ...health } });
        expect((await probes(key))[2]?.failureThreshold).toBe(30);
        expect(await run(key)).toEqual([]);
      }
    } finally {
      await end();
    }
  });
});
