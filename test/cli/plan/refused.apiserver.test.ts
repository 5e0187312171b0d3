// `website plan -f` refuses a file exactly if `kubectl apply` does.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kubernetes, websitePath } from '../../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { API_VERSION, KIND, type Website } from '../../../functions/website/resource.ts';
import { problemsOf } from '../../../infra/cli/plan/manifest-problems.ts';
import { manifestsIn } from '../../../infra/cli/plan/manifests.ts';
import { UsageError } from '../../../infra/usage.ts';
import { run } from '../../kubernetes/kubectl.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../../real-cluster.ts';
import { sampled } from '../../sampling.ts';
import { anySpec, refusedSpec, type Spec } from '../../website/generated.ts';

let admin: Transport;
let namespace: string;
let folder: string;
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'plan-refused');
  folder = mkdtempSync(join(tmpdir(), 'website-refused-'));
});
afterAll(async () => {
  await removeWebsitesIn(admin, namespace);
  await admin.close();
  rmSync(folder, { recursive: true });
});

/** Why `website plan -f` refuses the file. Undefined if it makes a plan. */
function refusalOf(text: string, stored?: Website): string | undefined {
  const file = join(folder, 'shop.yaml');
  writeFileSync(file, text);
  try {
    const [manifest] = manifestsIn({ file, namespace, only: undefined }).websites;
    const problems = manifest === undefined ? ['no Website'] : problemsOf(manifest, stored);
    return problems.length === 0 ? undefined : problems.join('; ');
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

const fileOf = (spec: unknown, name = 'fresh') =>
  JSON.stringify({ apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec });

/** What the API server says to `kubectl create` or `kubectl replace`, as a dry run. Undefined if it accepts the spec. */
async function answerTo(spec: unknown, stored?: Website): Promise<string | undefined> {
  const path = websitePath({ namespace, name: stored?.metadata.name ?? 'fresh' });
  const request =
    stored === undefined ? { method: 'POST', path: path.replace(/\/fresh$/, '') } : { method: 'PUT', path };
  const { name, resourceVersion } = stored?.metadata ?? { name: 'fresh', resourceVersion: undefined };
  const sent = admin.json({
    ...(request as { method: 'POST' | 'PUT'; path: string }),
    path: `${request.path}?dryRun=All&fieldValidation=Strict`,
    what: 'try websites',
    body: { apiVersion: API_VERSION, kind: KIND, metadata: { name, namespace, resourceVersion }, spec },
  });
  return sent.then(
    () => undefined,
    (error: Error) => error.message,
  );
}

/** What the two said, if only one of them refuses. */
const disagreement = (plan: string | undefined, server: string | undefined): string | undefined =>
  (plan === undefined) === (server === undefined)
    ? undefined
    : `website plan: ${plan ?? 'accepted'}\nAPI server: ${server ?? 'accepted'}`;

const HEAD = `apiVersion: ${API_VERSION}\nkind: Website\n`;
const site = (fields: string) =>
  `${HEAD}metadata: {name: shop}\nspec:\n  image: nginx:1.29\n  replicas: 1\n  ${fields}\n`;

describe('A file with these lines is refused by both or by neither', () => {
  it.each([
    'yes',
    'y',
    'Y',
    'no',
    'N',
    'on',
    'Off',
    'true',
    'False',
    'yess',
    '"yes"',
    "'y'",
    '!!str yes',
    '1',
    '1_000',
    '0x1F',
    '1e3',
    '1:30',
    '2026-01-01',
    '.5',
    '1.2.3',
    '~',
    'Null',
    '0b1',
    '08',
    '+1',
    '_1',
  ])('env: a value of %s', async (value) => {
    expect(await overFile(site(`env: [{name: A, value: ${value}}]`))).toBeUndefined();
  });

  it.each([
    'suspend: yes',
    'suspend: "yes"',
    'suspend: off',
    'port: 010',
    'port: 0o17',
    'port: 0x50',
    'port: 80.0',
    'port: 1e2',
    'port: 1_000',
    'port: "80"',
    'port: 1:30',
    'childMetadata: {labels: {yes: a}}',
    'childMetadata: {labels: {1: a}}',
    'childMetadata: {labels: {a: yes}}',
    'resources: {limits: {cpu: 0.5}}',
    'resources: {limits: {cpu: 1_0}}',
    'env: []',
    'env: [null]',
    'env: {}',
    'hosts: null',
    'host:',
    'port: 81\n  port: 82',
    'command: [echo, yes]',
    'command: [""]',
    'args: [1]',
  ])('%s', async (fields) => {
    expect(await overFile(site(fields))).toBeUndefined();
  });

  it.each([
    ['a merge key', `${HEAD}metadata: {name: shop}\nspec:\n  <<: {image: "nginx:1", replicas: 1}\n  port: 81\n`],
    ['a label that is a boolean', site('').replace('{name: shop}', '{name: shop, labels: {a: yes}}')],
    ['a label that no label may be', site('').replace('{name: shop}', '{name: shop, labels: {a: b c}}')],
    ['a key that no label may have', site('').replace('{name: shop}', '{name: shop, labels: {"a b": c}}')],
    ['a key in upper case', site('').replace('{name: shop}', '{name: shop, annotations: {Example.com/A: c}}')],
    ['a key that no annotation may have', site('').replace('{name: shop}', '{name: shop, annotations: {"a/b/c": c}}')],
    ['a long prefix', site('').replace('{name: shop}', `{name: shop, labels: {${'a'.repeat(254)}/b: c}}`)],
    ['labels that are null', site('').replace('{name: shop}', '{name: shop, labels: null}')],
    ['a name in upper case', site('').replace('{name: shop}', '{name: Shop}')],
    ['a name that is a boolean', site('').replace('{name: shop}', '{name: yes}')],
    ['a generated name', site('').replace('{name: shop}', '{generateName: shop-}')],
  ])('%s', async (_, text) => {
    expect(await overFile(text)).toBeUndefined();
  });
});

async function overFile(text: string): Promise<string | undefined> {
  const args = ['--kubeconfig', inject('kubeconfig'), '-n', namespace, 'apply', '--dry-run=server', '-f', '-'];
  const { code, stderr } = await run(inject('kubectl'), args, text);
  return disagreement(refusalOf(text), code === 0 ? undefined : stderr);
}

describe('A spec with one of these fields is refused by both or by neither', () => {
  it.each<[Spec]>([
    [{ image: '' }],
    [{ host: '' }],
    [{ serviceAccountName: '' }],
    [{ env: [{ name: '' }] }],
    [{ env: [{ name: 'A', value: '' }] }],
    [{ env: [{ name: 'A' }, { name: 'A' }] }],
    [{ env: [{}] }],
    [{ envFrom: [{ secretRef: { name: '' } }] }],
    [{ envFrom: [{ secretRef: { name: 'a' } }, { secretRef: { name: 'a' } }] }],
    [{ envFrom: [{ secretRef: { name: 'a' }, prefix: '' }] }],
    [{ imagePullSecrets: [{ name: 'a' }, { name: 'a' }] }],
    [{ imagePullSecrets: [{ name: '' }] }],
    [{ hosts: [''] }],
    [{ hosts: ['a.example.com', 'a.example.com'] }],
    [{ host: 'a.example.com', hosts: ['a.example.com'] }],
    [{ host: 'a.example.com', paths: [{ path: '/' }, { path: '/', type: 'Exact' }] }],
    [{ host: 'a.example.com', paths: [{ path: '' }] }],
    [{ host: 'a.example.com', ingressClassName: '' }],
    [{ host: 'a.example.com', tlsSecretName: '' }],
    [{ host: 'a.example.com', gateway: { name: '' } }],
    [{ host: 'a.example.com', gateway: {} }],
    [{ host: 'a.example.com', tls: {} }],
    [{ files: [{ path: '', emptyDir: {} }] }],
    [
      {
        files: [
          { path: '/a', emptyDir: {} },
          { path: '/a', emptyDir: {} },
        ],
      },
    ],
    [{ files: [{ path: '/a', emptyDir: { sizeLimit: '' } }] }],
    [{ files: [{ path: '/a', emptyDir: { medium: '' } }] }],
    [{ health: {} }],
    [{ health: { path: '' } }],
    [{ rollout: { maxSurge: '' } }],
    [{ rollout: { maxSurge: 0, maxUnavailable: '0%' } }],
    [{ placement: { nodeSelector: { a: '' } } }],
    [{ placement: { nodeSelector: { '': 'a' } } }],
    [{ placement: { tolerations: [{ operator: 'Exists', effect: '' }] } }],
    [{ placement: { tolerations: [{ key: '', operator: 'Exists' }] } }],
    [{ placement: { tolerations: [{ key: 'a' }, { key: 'a' }] } }],
    [{ resources: { limits: { cpu: '' } } }],
    [{ securityProfile: '' }],
    [{ disruptionBudget: '' }],
    [{ autoscaling: {} }],
    [{ childMetadata: { labels: { a: '' } } }],
    [{ childMetadata: { labels: { '': 'a' } } }],
    [{ command: [] }],
    [{ command: [''] }],
    [{ suspend: '' }],
    [{ port: '' }],
    [{ unknown: '' }],
    [{ resources: '' }],
  ])('%j', async (fields) => {
    const spec = { image: 'nginx:1.29', replicas: 1, ...fields };
    expect(disagreement(refusalOf(fileOf(spec)), await answerTo(spec))).toBeUndefined();
    const stored = await storedWebsite({ image: 'nginx:1.29', replicas: 1 });
    expect(
      disagreement(refusalOf(fileOf(spec, stored.metadata.name), stored), await answerTo(spec, stored)),
    ).toBeUndefined();
  });

  it.each<[Spec, Spec]>([
    [{ host: 'a.example.com', tlsSecretName: 'tls' }, { tlsSecretName: 'tls' }],
    [
      { host: 'a.example.com', ingressClassName: 'nginx' },
      { ingressClassName: 'nginx', gateway: { name: 'public' } },
    ],
    [
      { host: 'a.example.com', tlsSecretName: 'a' },
      { host: 'a.example.com', tlsSecretName: 'a', tls: { secretName: 'a' } },
    ],
    [
      { replicas: undefined, autoscaling: { maxReplicas: 3, minReplicas: 2 } },
      { autoscaling: { maxReplicas: 1, minReplicas: 2 } },
    ],
    [{ replicas: undefined, autoscaling: { external: true } }, { replicas: undefined }],
    [
      { env: [{ name: 'A', value: 'a' }] },
      {
        env: [
          { name: 'A', value: 'a' },
          { name: 'A', value: 'a' },
        ],
      },
    ],
    [{ suspend: false }, { suspend: false }],
  ])('%j, changed into %j', async (before, after) => {
    const stored = await storedWebsite({ image: 'nginx:1.29', replicas: 1, ...before });
    const spec = { image: 'nginx:1.29', replicas: 1, ...after };
    expect(
      disagreement(refusalOf(fileOf(spec, stored.metadata.name), stored), await answerTo(spec, stored)),
    ).toBeUndefined();
  });
});

let names = 0;
async function storedWebsite(spec: unknown): Promise<Website> {
  const key = { namespace, name: `site-${++names}` };
  await createWebsite(admin, key, spec);
  const stored = await kubernetes(admin).getWebsite(key);
  if (stored === undefined) throw new Error('It is not stored');
  return stored;
}

it('Generated specs, and those with one thing wrong, are refused by both or by neither', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(anySpec, fc.oneof(anySpec, refusedSpec), async (before, spec) => {
      const server = await answerTo(spec);
      expect(disagreement(refusalOf(fileOf(spec)), server)).toBeUndefined();
      refused += server === undefined ? 0 : 1;
      const stored = await storedWebsite(before);
      expect(
        disagreement(refusalOf(fileOf(spec, stored.metadata.name), stored), await answerTo(spec, stored)),
      ).toBeUndefined();
    }),
    sampled({ sometimes: 60, often: 500 }),
  );
  expect(refused).toBeGreaterThan(5);
});
