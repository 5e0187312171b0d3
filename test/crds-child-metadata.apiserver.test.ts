// Bad labels and annotations for the children, and the largest ones that the API server accepts.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubernetes } from '../functions/cluster/kubernetes.ts';
import { reconcile } from '../functions/website/reconcile.ts';
import { websiteSpec } from '../functions/website/resource.ts';
import { accounts } from './accounts.ts';
import { spec } from './bad-specs.ts';
import { eventually } from './eventually.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from './real-cluster.ts';

const real = accounts();
let namespace: string;
beforeAll(async () => {
  namespace = await createNamespace(real.admin, 'crds');
});
afterAll(() => removeWebsitesIn(real.admin, namespace));

const count = (length: number, value: string) =>
  Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, value]));
const OWN = 'which belong to Kubernetes and to the functions: choose a key of your own, such as example.com/team';
const PODS = 'which select the Pods: choose a key of your own, such as example.com/app';
const KEYS = 'each with a key such as team or example.com/team';
const ISSUED = { host: 'shop.example.com', tls: { issuer: { name: 'ca' } } };

it.each<[string, object, string, string]>([
  ['our own label', { labels: { app: 'x' } }, 'labels', PODS],
  ['the label of ReplicaSets', { labels: { 'pod-template-hash': 'x' } }, 'labels', PODS],
  ['a label of Kubernetes', { labels: { 'app.kubernetes.io/name': 'x' } }, 'labels', OWN],
  ['an annotation of Kubernetes', { annotations: { 'kubernetes.io/x': 'x' } }, 'annotations', OWN],
  ['an annotation of a SIG', { annotations: { 'x.k8s.io/x': 'x' } }, 'annotations', OWN],
  ['our own annotation', { annotations: { 'websites.stable.example.com/stated': '{}' } }, 'annotations', OWN],
  ['a key with a space', { labels: { 'a b': 'x' } }, 'labels', KEYS],
  ['a key with two slashes', { annotations: { 'a/b/c': 'x' } }, 'annotations', KEYS],
  ['a key with a long name', { annotations: { ['a'.repeat(64)]: 'x' } }, 'annotations', KEYS],
  ['a key with a long prefix', { annotations: { [`${'a'.repeat(254)}/b`]: 'x' } }, 'annotations', KEYS],
  ['a value with a space', { labels: { team: 'a b' } }, 'labels[team]', 'must be the value of a label'],
  [
    'a snippet',
    { annotations: { 'example.org/server-snippets': 'x' } },
    'annotations',
    'must have no key that ends in',
  ],
  [
    'long annotations',
    { annotations: { a: '😀'.repeat(8193), b: 'b'.repeat(8192) } },
    'annotations',
    'must have values of at most 16384 characters in total: put large texts in a ConfigMap',
  ],
])('The API server refuses %s, and so does the schema', async (_, childMetadata, path, message) => {
  const bad = { ...spec, childMetadata };
  const created = createWebsite(real.admin, { namespace, name: 'bad' }, bad);
  const refused = await created.then(
    () => 'created',
    (error: Error) => error.message,
  );
  expect(refused).toContain(`spec.childMetadata.${path}: Invalid value`);
  expect(refused).toContain(message);
  const issues = websiteSpec.safeParse(bad).error?.issues ?? [];
  expect(issues.map(({ path: where }) => where.join('.'))).toEqual([
    `childMetadata.${path.replace('[team]', '.team')}`,
  ]);
  expect(issues[0]?.message).toContain(message);
});

it('The API server refuses an issuer of cert-manager beside tls.issuer, and so does the schema', async () => {
  for (const name of ['cert-manager.io/issuer', 'cert-manager.io/cluster-issuer']) {
    const bad = { ...spec, ...ISSUED, childMetadata: { annotations: { [name]: 'x' } } };
    const message = 'must not have the key cert-manager.io/issuer or cert-manager.io/cluster-issuer beside tls.issuer';
    await expect(createWebsite(real.admin, { namespace, name: 'bad' }, bad)).rejects.toThrow(
      `spec.childMetadata.annotations: Invalid value: ${message}`,
    );
    expect(websiteSpec.safeParse(bad).error?.issues).toMatchObject([
      { path: ['childMetadata', 'annotations'], message: expect.stringContaining(message) as string },
    ]);
  }
});

it.each(['labels', 'annotations'])('The API server refuses 33 %s, and so does the schema', async (part) => {
  const bad = { ...spec, childMetadata: { [part]: count(33, 'x') } };
  await expect(createWebsite(real.admin, { namespace, name: 'bad' }, bad)).rejects.toThrow(
    `spec.childMetadata.${part}: Too many: 33: must have at most 32 items`,
  );
  expect(websiteSpec.safeParse(bad).success).toBe(false);
});

it('A Website with the largest allowed childMetadata, environment and command can be stored and reconciled', async () => {
  const label = (index: number) =>
    `${'a'.repeat(61)}.${'b'.repeat(61)}.${'c'.repeat(61)}.${'d'.repeat(61)}.${10 + index}/${'e'.repeat(63)}`;
  const texts = (value: string) => Object.fromEntries(Array.from({ length: 32 }, (_, index) => [label(index), value]));
  const most = {
    ...spec,
    replicas: 0,
    host: 'shop.example.com',
    env: Array.from({ length: 4 }, (_, index) => ({ name: `V${index}`, value: '<'.repeat(32_766) })),
    command: Array.from({ length: 4 }, () => '<'.repeat(4096)),
    args: Array.from({ length: 4 }, () => '<'.repeat(4096)),
    childMetadata: { labels: texts('x'.repeat(63)), annotations: texts('😀'.repeat(512)) },
  };
  const key = { namespace, name: 'most' };
  await createWebsite(real.admin, key, most);
  await eventually(async () => {
    const { outcome } = await reconcile(key, { cluster: kubernetes(real.functions), now: () => new Date() });
    expect(outcome.kind).not.toBe('stalled');
  });
  const service = await kubernetes(real.admin).getChild('Service', key);
  expect(service?.metadata.labels).toMatchObject(most.childMetadata.labels);
  expect(service?.metadata.annotations).toMatchObject(most.childMetadata.annotations);
});
