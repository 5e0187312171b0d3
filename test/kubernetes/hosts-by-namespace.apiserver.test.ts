// The repository's sample policy of hosts, bound only to the namespaces of this test.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { SPEC } from '../fixtures/websites.ts';
import { createNamespace, createWebsite, patchWebsite, removeWebsite } from '../real-cluster.ts';
import { annotate, install } from './sample-policy.ts';

let admin: Transport;
let namespace: string;
let bare: string;
let names = 0;
let uninstall: () => Promise<void>;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'hosts');
  bare = await createNamespace(admin, 'hosts');
  await allow('shop.example.com, *.Team-A.example.com');
  uninstall = await install(admin, 'hosts-by-namespace', [namespace, bare], () => claim('bank.example.com'));
});
afterAll(async () => {
  await uninstall();
  await admin.close();
});

const allow = (hosts: string | null) => annotate(admin, namespace, 'hosts', hosts);

async function claimed(where: string, routes: object) {
  const key = { namespace: where, name: `shop-${++names}` };
  await createWebsite(admin, key, { ...SPEC, suspend: true, ...routes });
  return key;
}
const claim = (host: string | undefined, where = namespace) => claimed(where, { host });
const claimAll = (...hosts: string[]) => claimed(namespace, { hosts });

it.each(['shop.example.com', 'a.team-a.example.com', 'a.b.team-a.example.com', '*.team-a.example.com', undefined])(
  'The policy allows the host %s',
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
])('The policy refuses the host %s, and says what to do', async (host) => {
  await expect(claim(host)).rejects.toThrow(
    `host ${host} is not for Websites of namespace ${namespace}: an administrator may add it`,
  );
});

it('The policy judges each of several hosts', async () => {
  await claimAll('shop.example.com', 'a.team-a.example.com');
  await claimed(namespace, { host: 'shop.example.com', hosts: ['b.team-a.example.com'] });
  await expect(claimAll('shop.example.com', 'bank.example.com', '*.com')).rejects.toThrow(
    `host bank.example.com, *.com is not for Websites of namespace ${namespace}`,
  );
  await expect(claimed(namespace, { host: 'bank.example.com', hosts: ['shop.example.com'] })).rejects.toThrow(
    'host bank.example.com is not for',
  );
  await expect(claimed(namespace, { host: 'shop.example.com', hosts: ['bank.example.com'] })).rejects.toThrow(
    'host bank.example.com is not for',
  );
});

it('The policy refuses every host in a namespace without the annotation', async () => {
  await expect(claim('shop.example.com', bare)).rejects.toThrow(`is not for Websites of namespace ${bare}`);
  await claim(undefined, bare);
});

it('The policy refuses a change to a foreign host', async () => {
  const key = await claim('shop.example.com');
  await expect(patchWebsite(admin, key, { spec: { host: 'bank.example.com' } })).rejects.toThrow('is not for Websites');
  await expect(patchWebsite(admin, key, { spec: { hosts: ['bank.example.com'] } })).rejects.toThrow('is not for');
  await patchWebsite(admin, key, { spec: { host: '*.team-a.example.com' } });
});

it('A Website keeps its host after the namespace loses it, and can be scaled and deleted', async () => {
  const key = await claim('old.team-a.example.com');
  await allow(null);
  await eventually(async () => await expect(claim('new.team-a.example.com')).rejects.toThrow('is not for Websites'));
  await patchWebsite(admin, key, { spec: { replicas: 1 } });
  await patchWebsite(admin, key, { spec: { host: null, hosts: ['old.team-a.example.com'] } });
  await removeWebsite(admin, key);
});
