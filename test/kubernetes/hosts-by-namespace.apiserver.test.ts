// The sample policy of hosts, as it is in the repository, bound to the namespaces of this test alone.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { SPEC } from '../fixtures/websites.ts';
import { createNamespace, createWebsite, patch, patchWebsite, remove, removeWebsite } from '../real-cluster.ts';

const PATH = '/apis/admissionregistration.k8s.io/v1';
const PLURALS = ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'];
const NAME = 'websites-hosts-by-namespace';

let admin: Transport;
let namespace: string;
let bare: string;
let names = 0;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'hosts');
  bare = await createNamespace(admin, 'hosts');
  await allow('shop.example.com, *.Team-A.example.com');
  const text = readFileSync('infra/kubernetes/policies/hosts-by-namespace.yaml', 'utf8');
  const [policy, binding] = parseAllDocuments(text).map((document) => document.toJS() as { spec: object });
  const matchExpressions = [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [namespace, bare] }];
  const bound = { ...binding, spec: { ...binding?.spec, matchResources: { namespaceSelector: { matchExpressions } } } };
  for (const [index, body] of [policy, bound].entries())
    await admin.json({ method: 'POST', path: `${PATH}/${PLURALS[index]}`, what: 'create', body });
  // A policy works a moment after it was created.
  await eventually(async () => {
    const answer = await claim('bank.example.com').then(
      () => 'created',
      (error: Error) => error.message,
    );
    if (!answer.includes(NAME)) throw new Error(`There is no policy yet: ${answer}`);
  });
});
afterAll(async () => {
  for (const plural of PLURALS) await remove(admin, `${PATH}/${plural}/${NAME}`);
  await admin.close();
});

const allow = (hosts: string | null) =>
  patch(admin, `/api/v1/namespaces/${namespace}`, {
    metadata: { annotations: { 'websites.stable.example.com/hosts': hosts } },
  });

async function claim(host: string | undefined, where = namespace) {
  const key = { namespace: where, name: `shop-${++names}` };
  await createWebsite(admin, key, { ...SPEC, suspend: true, host });
  return key;
}

it.each(['shop.example.com', 'a.team-a.example.com', 'a.b.team-a.example.com', '*.team-a.example.com', undefined])(
  'allows %s',
  async (host) => await expect(claim(host)).resolves.toBeDefined(),
);

it.each([
  'bank.example.com',
  'a.shop.example.com',
  'team-a.example.com',
  'evilteam-a.example.com',
  '*.example.com',
  '*.shop.example.com',
  '*.com',
  'localhost',
  'kubernetes.default.svc',
])('refuses %s, and says what to do', async (host) => {
  await expect(claim(host)).rejects.toThrow(
    `host ${host} is not for Websites of namespace ${namespace}: an administrator may add it`,
  );
});

it('refuses every host in a namespace that names none', async () => {
  await expect(claim('shop.example.com', bare)).rejects.toThrow(`is not for Websites of namespace ${bare}`);
  await claim(undefined, bare);
});

it('refuses a change to such a host', async () => {
  const key = await claim('shop.example.com');
  await expect(patchWebsite(admin, key, { spec: { host: 'bank.example.com' } })).rejects.toThrow('is not for Websites');
  await patchWebsite(admin, key, { spec: { host: '*.team-a.example.com' } });
});

it('leaves a Website the host that it has, to be scaled and deleted, when the namespace loses it', async () => {
  const key = await claim('old.team-a.example.com');
  await allow(null);
  await eventually(async () => await expect(claim('new.team-a.example.com')).rejects.toThrow('is not for Websites'));
  await patchWebsite(admin, key, { spec: { replicas: 1 } });
  await removeWebsite(admin, key);
});
