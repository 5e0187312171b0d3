// The operator's default Gateway, for Websites whose spec names neither a Gateway nor Ingress fields.
import { beforeEach, describe, expect, it } from 'vitest';
import { findDiffering } from '../../functions/resync/differing.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import type { Defaults } from '../../functions/website/defaults.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { RUNS, type RunName } from '../fixtures/runs.ts';
import { NOW, SPEC } from '../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const HOST = { ...SPEC, host: 'a.example.com' };
const PUBLIC = { gateway: { namespace: 'infra', name: 'public' } };
let cluster: MemoryCluster;
let defaults: Defaults;

const context = () => ({ cluster, now: () => NOW, defaults });
const run = (name: RunName = 'as-needed') => reconcile(key, context(), RUNS[name]);
const resync = async () => (await findDiffering(context())).differing;
const kinds = () => cluster.children().map(({ kind }) => kind);
const ready = () => cluster.websites()[0]?.status?.conditions?.[0];
const url = () => cluster.websites()[0]?.status?.url;
const parents = () => cluster.children().flatMap((each) => (each.kind === 'HTTPRoute' ? each.spec.parentRefs : []));

async function settle(spec: object): Promise<void> {
  cluster.apply(key, spec);
  for (const _ of [1, 2]) {
    await run();
    cluster.rollOut();
  }
  await run();
}

beforeEach(() => {
  cluster = new MemoryCluster();
  defaults = PUBLIC;
});

describe('With a default Gateway, a Website', () => {
  it.each<[string, object, string[]]>([
    ['with a host has an HTTPRoute', HOST, ['HTTPRoute']],
    ['with several hosts has an HTTPRoute', { ...SPEC, hosts: ['a.example.com'] }, ['HTTPRoute']],
    ['without a host has no route', SPEC, []],
    ['with a certificate has an Ingress', { ...HOST, tls: { secretName: 'tls' } }, ['Ingress']],
    ['with tlsSecretName has an Ingress', { ...HOST, tlsSecretName: 'tls' }, ['Ingress']],
    ['with an ingressClassName has an Ingress', { ...HOST, ingressClassName: 'nginx' }, ['Ingress']],
  ])('%s', async (_, spec, routes) => {
    await settle(spec);
    expect(kinds()).toEqual(['Deployment', 'Service', ...routes]);
    expect(ready()?.status).toBe('True');
  });

  it('has a route at that Gateway, unless it names another one', async () => {
    await settle(HOST);
    expect(parents()).toMatchObject([{ kind: 'Gateway', ...PUBLIC.gateway }]);
    expect(url()).toBe('http://a.example.com');
    await settle({ ...HOST, gateway: { name: 'own' } });
    expect(parents()).toEqual([{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'own' }]);
  });

  it('states the same in its Deployment as without a default Gateway', async () => {
    await settle(HOST);
    const [routed] = cluster.children() as Deployment[];
    cluster = new MemoryCluster();
    defaults = {};
    await settle(HOST);
    const [other] = cluster.children() as Deployment[];
    const stated = (deployment?: Deployment) =>
      deployment?.metadata.annotations?.['websites.stable.example.com/stated'];
    expect(stated(routed)).toBe(stated(other));
    expect(routed?.spec).toEqual(other?.spec);
  });
});

describe('A Website with a host that is older than the default Gateway', () => {
  beforeEach(async () => {
    defaults = {};
    await settle(HOST);
    defaults = PUBLIC;
  });

  it('moves to the Gateway at the resync, and keeps its Ingress until the Gateway serves it', async () => {
    const template = (cluster.children() as Deployment[])[0]?.spec.template;
    expect(await resync()).toEqual([key]);
    await run('everything');
    expect(kinds()).toEqual(['Deployment', 'Service', 'Ingress', 'HTTPRoute']);
    expect(ready()?.reason).toBe('NotRouted');
    expect(await resync()).toEqual([]);
    cluster.rollOut();
    expect(await resync()).toEqual([key]);
    await run('everything');
    expect(kinds()).toEqual(['Deployment', 'Service', 'HTTPRoute']);
    expect(await resync()).toEqual([]);
    expect((cluster.children() as Deployment[])[0]?.spec.template).toEqual(template);
  });

  it.each(['deployment', 'spec', 'as-needed'] as const)('moves to the Gateway in a run that reads %s', async (look) => {
    await run(look);
    expect(kinds()).toEqual(['Deployment', 'Service', 'Ingress', 'HTTPRoute']);
    cluster.rollOut();
    await run('everything');
    expect(kinds()).toEqual(['Deployment', 'Service', 'HTTPRoute']);
  });

  it.each(['deployment', 'spec', 'as-needed', 'everything'] as const)(
    'gets its Ingress back once the default is gone, and always has a route, if a run reads %s',
    async (look) => {
      await settle(HOST);
      defaults = {};
      await run(look);
      expect(kinds().filter((kind) => kind === 'Ingress' || kind === 'HTTPRoute')).toHaveLength(1);
      for (const other of await resync()) expect(other).toEqual(key);
      await run('everything');
      expect(kinds()).toEqual(['Deployment', 'Service', 'Ingress']);
      expect(await resync()).toEqual([]);
    },
  );
});

describe('If the default Gateway is the only allowed one,', () => {
  beforeEach(() => {
    defaults = { ...PUBLIC, isOnlyGateway: true };
  });

  it.each([
    ['a Gateway of another name', { name: 'own', namespace: 'infra' }],
    ['a Gateway in another namespace', { name: 'public', namespace: 'team-a' }],
    ["a Gateway in the Website's own namespace", { name: 'public' }],
  ])('a Website that names %s is refused, and its children stay unchanged', async (_, gateway) => {
    await settle(HOST);
    const before = cluster.children();
    cluster.apply(key, { ...HOST, image: 'nginx:2', gateway });
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'InvalidSpec' });
    expect(ready()?.message).toBe(
      'spec.gateway: must be public of namespace infra, the only Gateway that the operator allows',
    );
    expect(cluster.children()).toEqual(before);
    defaults = PUBLIC;
    expect(await resync()).toEqual([key]);
  });

  it('a Website may name it with a listener, or have an Ingress', async () => {
    await settle({ ...HOST, gateway: { ...PUBLIC.gateway, sectionName: 'https' } });
    expect(ready()?.status).toBe('True');
    await settle({ ...HOST, tlsSecretName: 'tls' });
    expect(ready()?.status).toBe('True');
  });
});
