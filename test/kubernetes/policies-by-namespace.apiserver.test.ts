// The repository's sample policies of Secrets and ServiceAccounts, bound only to the namespaces of this test.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { SPEC } from '../fixtures/websites.ts';
import { createNamespace, createWebsite, patchWebsite, removeWebsite } from '../real-cluster.ts';
import { annotate, install } from './sample-policy.ts';

let admin: Transport;
let names = 0;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());

const variable = (name: string) => ({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name, key: 'k' } } }] });
const everyVariable = (name: string) => ({ envFrom: [{ configMapRef: { name: 'other' } }, { secretRef: { name } }] });
const files = (name: string) => ({
  files: [
    { path: '/a', configMap: { name: 'other' } },
    { path: '/b', secret: { name } },
  ],
});
const runsAs = (serviceAccountName: string) => ({ serviceAccountName });
const TOKEN = { automountServiceAccountToken: true };

describe.each([
  {
    file: 'secrets-by-namespace',
    annotation: 'secrets',
    allowed: 'database, payment',
    fine: [
      {},
      variable('database'),
      everyVariable('payment'),
      files('payment'),
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'other', key: 'k' } } }] },
    ],
    bad: [variable('other'), everyVariable('other'), files('other')],
    refused: 'Secret other',
    old: variable('database'),
    next: variable('payment'),
  },
  {
    file: 'service-accounts-by-namespace',
    annotation: 'service-accounts',
    allowed: 'shop, pay',
    fine: [{}, runsAs('default'), runsAs('shop'), { ...runsAs('shop'), ...TOKEN }],
    bad: [runsAs('other'), { ...runsAs('other'), ...TOKEN }],
    refused: 'ServiceAccount other',
    old: runsAs('shop'),
    next: runsAs('pay'),
  },
])('$file', ({ file, annotation, allowed, fine, bad, refused, old, next }) => {
  let namespace: string;
  let bare: string;
  let uninstall: () => Promise<void>;

  beforeAll(async () => {
    namespace = await createNamespace(admin, 'secrets');
    bare = await createNamespace(admin, 'secrets');
    await annotate(admin, namespace, annotation, allowed);
    uninstall = await install(admin, file, [namespace, bare], () => claim(old, bare));
  });
  afterAll(() => uninstall());

  async function claim(fields: object, where = namespace) {
    const key = { namespace: where, name: `shop-${++names}` };
    await createWebsite(admin, key, { ...SPEC, suspend: true, ...fields });
    return key;
  }

  it('is accepted by the API server without a warning', async () => {
    const path = `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/websites-${file}`;
    await eventually(async () => {
      const { status } = (await admin.json({ method: 'GET', path, what: 'get' })) as { status?: object };
      expect(status).toEqual({ observedGeneration: expect.any(Number) as number, typeChecking: {} });
    });
  });

  it.each<object>(fine)('allows %j', async (fields) => {
    await expect(claim(fields)).resolves.toBeDefined();
  });

  it.each<object>(bad)('refuses %j, and says what to do', async (fields) => {
    const message = `${refused} is not for Websites of namespace ${namespace}: an administrator may add it to the namespace's annotation websites.stable.example.com/${annotation}`;
    await expect(claim(fields)).rejects.toThrow(message);
    const key = await claim({});
    await expect(patchWebsite(admin, key, { spec: fields })).rejects.toThrow(message);
  });

  it('refuses every name in a namespace without the annotation, and allows a Website that needs none', async () => {
    await expect(claim(old, bare)).rejects.toThrow(`is not for Websites of namespace ${bare}`);
    await claim({}, bare);
  });

  it('lets a Website keep a name after the namespace loses it, and be scaled and deleted', async () => {
    const key = await claim(old);
    await annotate(admin, namespace, annotation, null);
    await eventually(async () => await expect(claim(old)).rejects.toThrow('is not for Websites'));
    await patchWebsite(admin, key, { spec: { replicas: 1 } });
    await expect(patchWebsite(admin, key, { spec: next })).rejects.toThrow('is not for Websites');
    await removeWebsite(admin, key);
    await annotate(admin, namespace, annotation, allowed);
  });
});

it("The policy requires the default ServiceAccount's name in the annotation before a Website gets its token", async () => {
  const namespace = await createNamespace(admin, 'secrets');
  const key = { namespace, name: 'shop' };
  await createWebsite(admin, key, { ...SPEC, suspend: true });
  const ask = () => patchWebsite(admin, key, { spec: TOKEN });
  const other = { namespace, name: 'other' };
  const refused = () => createWebsite(admin, other, { ...SPEC, suspend: true, ...TOKEN });
  const uninstall = await install(admin, 'service-accounts-by-namespace', [namespace], refused);
  try {
    await expect(ask()).rejects.toThrow('ServiceAccount default is not for Websites');
    await annotate(admin, namespace, 'service-accounts', 'default');
    await eventually(ask);
  } finally {
    await uninstall();
  }
});
