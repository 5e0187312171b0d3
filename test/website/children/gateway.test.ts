// A Website with a Gateway: how its HTTPRoute affects readiness, and what happens if the cluster lacks the Gateway API.
import { beforeEach, describe, expect, it } from 'vitest';
import type { HttpRoute } from '../../../functions/website/children/http-route/object.ts';
import { OPTIONAL_CHILDREN } from '../../../functions/website/children/metadata.ts';
import type { WebsiteStatus } from '../../../functions/website/resource.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { runOnce, type RunName } from '../../fixtures/runs.ts';
import { SPEC } from '../../fixtures/websites.ts';
import { acceptedBy, statusBy } from '../../gateway.ts';

const key = { namespace: 'team-a', name: 'shop' };
const HOST = { ...SPEC, host: 'a.example.com' };
const ROUTED = { ...SPEC, host: 'a.example.com', gateway: { name: 'public', namespace: 'infra' } };
let cluster: MemoryCluster;

const run = (name?: RunName) => runOnce(cluster, key, name);
const status = (): WebsiteStatus => cluster.websites()[0]?.status ?? {};
const ready = () => status().conditions?.find(({ type }) => type === 'Ready');
const kinds = () => cluster.children().map(({ kind }) => kind);
const route = () => cluster.children().find((child): child is HttpRoute => child.kind === 'HTTPRoute') as HttpRoute;
const say = (given: object) => cluster.edit(route(), { status: given });

const RESOLVED = { type: 'ResolvedRefs' };
const refusal = { status: 'False', reason: 'NotAllowedByListeners', message: 'team-a may not attach' };

beforeEach(async () => {
  cluster = new MemoryCluster();
  cluster.apply(key, ROUTED);
  await run();
  cluster.rollOut();
  await run();
});

it('A Website with a Gateway has an HTTPRoute and no Ingress, and is ready once the route is accepted', () => {
  expect(kinds()).toEqual(['Deployment', 'Service', 'HTTPRoute']);
  expect(ready()).toMatchObject({ status: 'True', reason: 'Available', message: '2 replicas are available' });
  expect(status().url).toBe('http://a.example.com');
});

it('The URL of a Website with a Gateway is https if the spec states a certificate', async () => {
  for (const stated of [{ tlsSecretName: 'tls' }, { tls: { secretName: 'tls' } }]) {
    cluster.apply(key, { ...ROUTED, ...stated });
    await run();
    cluster.rollOut();
    await run();
    expect(status().url).toBe('https://a.example.com');
  }
});

describe('A Website that moves from an Ingress to a Gateway', () => {
  const mark = () => cluster.children()[0]?.metadata.annotations?.[OPTIONAL_CHILDREN];

  beforeEach(async () => {
    cluster.apply(key, HOST);
    await run();
    cluster.apply(key, ROUTED);
  });

  it.each(['as-needed', 'spec', 'everything'] as const)(
    'keeps its Ingress until the Gateway serves it, in runs that read %s',
    async (look) => {
      expect((await run(look)).actions).toEqual(['replace Deployment', 'create HTTPRoute', 'update status']);
      expect(ready()).toMatchObject({ status: 'False', reason: 'NotRouted' });
      say(statusBy(route(), [refusal]));
      await run(look);
      for (const again of [look, 'deployment'] as const) {
        expect((await run(again)).actions).toEqual([]);
        expect(mark()).toBe('HTTPRoute,Ingress');
      }
      say(acceptedBy(route()));
      expect((await run(look)).actions).toEqual(['delete Ingress', 'replace Deployment', 'update status']);
      expect(ready()?.status).toBe('True');
      expect(mark()).toBe('HTTPRoute');
      expect((await run(look)).actions).toEqual([]);
    },
  );

  it('loses its Ingress in the next run, even if that was to read only the Deployment', async () => {
    await run();
    cluster.rollOut();
    expect(kinds()).toContain('Ingress');
    await run('deployment');
    expect(kinds()).not.toContain('Ingress');
    expect(mark()).toBe('HTTPRoute');
  });

  it('keeps its Ingress while the cluster lacks the Gateway API', async () => {
    cluster.uninstall('HTTPRoute');
    expect((await run()).outcome).toMatchObject({ reason: 'MissingApi' });
    expect(kinds()).toEqual(['Deployment', 'Service', 'Ingress']);
    expect((await run()).actions).toEqual([]);
  });

  it('keeps its Ingress during a suspension, and is ready afterwards', async () => {
    await run();
    cluster.apply(key, { ...ROUTED, suspend: true });
    await run();
    expect(ready()).toMatchObject({
      status: 'Unknown',
      message: expect.stringContaining('Waiting for Gateway') as string,
    });
    cluster.apply(key, ROUTED);
    await run();
    cluster.rollOut();
    await run();
    expect(kinds()).toEqual(['Deployment', 'Service', 'HTTPRoute']);
    expect(ready()?.status).toBe('True');
  });

  it('loses the HTTPRoute if it moves back, and loses the Ingress without a host', async () => {
    await run();
    cluster.apply(key, HOST);
    expect((await run()).actions).toContain('delete HTTPRoute');
    expect(kinds()).toEqual(['Deployment', 'Service', 'Ingress']);
    cluster.apply(key, ROUTED);
    await run();
    cluster.apply(key, SPEC);
    await run();
    expect(kinds()).toEqual(['Deployment', 'Service']);
  });
});

const other = (parentRef: object) => statusBy(route(), [refusal], { parentRef }).parents;

describe('A Website with a Gateway is', () => {
  it.each<[string, string, string, () => object]>([
    ['progressing', 'Waiting for Gateway infra/public', 'while no controller reports a status', () => ({})],
    [
      'progressing',
      'Waiting for Gateway infra/public',
      'while a controller reports only one condition',
      () => statusBy(route(), [{}]),
    ],
    [
      'progressing',
      'Waiting for Gateway infra/public',
      'while a controller reports an older generation',
      () => statusBy(route(), [{ observedGeneration: 0 }, { ...RESOLVED, observedGeneration: 0 }]),
    ],
    [
      'progressing',
      'Waiting for Gateway infra/public',
      'while a controller reports Unknown',
      () => statusBy(route(), [{ status: 'Unknown' }, RESOLVED]),
    ],
    [
      'progressing',
      'does not accept HTTPRoute shop-httproute: Pending: x',
      'while the Gateway is being set up',
      () => statusBy(route(), [{ status: 'False', reason: 'Pending', message: 'x' }, RESOLVED]),
    ],
    [
      'progressing',
      'cannot resolve what HTTPRoute shop-httproute refers to: BackendNotFound',
      'while the controller has not seen the Service',
      () => statusBy(route(), [{}, { ...RESOLVED, status: 'False', reason: 'BackendNotFound' }]),
    ],
    [
      'stalled',
      'Gateway infra/public does not accept HTTPRoute shop-httproute: NotAllowedByListeners: team-a may not attach',
      'if the Gateway refuses it',
      () => statusBy(route(), [refusal, RESOLVED]),
    ],
    [
      'stalled',
      'does not accept HTTPRoute',
      'if one of two controllers refuses it',
      () => ({ parents: [...acceptedBy(route()).parents, ...statusBy(route(), [refusal]).parents] }),
    ],
    [
      'progressing',
      'Waiting for Gateway infra/public',
      'while each of two controllers reports another condition',
      () => ({ parents: [...statusBy(route(), [{}]).parents, ...statusBy(route(), [RESOLVED]).parents] }),
    ],
    [
      'ready',
      '2 replicas',
      'even if another program adds a condition',
      () => ({
        parents: [
          ...statusBy(route(), [{ type: 'example.com/Limited', status: 'False' }]).parents,
          ...acceptedBy(route()).parents,
        ],
      }),
    ],
    [
      'ready',
      '2 replicas',
      'even if other parents refuse it',
      () => ({
        parents: [
          ...other({ name: 'public', namespace: 'team-a' }),
          ...other({ name: 'public' }),
          ...other({ name: 'other', namespace: 'infra' }),
          ...other({ name: 'public', namespace: 'infra', sectionName: 'https' }),
          ...other({ name: 'public', namespace: 'infra', kind: 'ListenerSet' }),
          ...acceptedBy(route()).parents,
        ],
      }),
    ],
  ])('%s (%s) %s', async (state, message, _, given) => {
    say(given());
    for (const look of ['deployment', 'spec', 'as-needed', 'everything'] as const) {
      await run(look);
      const reason = state === 'ready' ? 'Available' : 'NotRouted';
      expect(ready()).toMatchObject({ reason, message: expect.stringContaining(message) as string });
      expect(status().conditions?.some(({ type }) => type === 'Stalled')).toBe(state === 'stalled');
      expect(status().url).toBe(state === 'ready' ? 'http://a.example.com' : undefined);
    }
  });

  it("ready if a controller states the Website's own namespace in the status of the route", async () => {
    cluster.apply(key, { ...ROUTED, gateway: { name: 'public' } });
    await run();
    say(statusBy(route(), [refusal], { parentRef: { name: 'public', namespace: 'team-b' } }));
    await run();
    expect(ready()).toMatchObject({ message: expect.stringContaining('Waiting for Gateway team-a/public') as string });
    const parentRef = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'public', namespace: 'team-a' };
    say({ parents: acceptedBy(route()).parents.map((parent) => ({ ...parent, parentRef })) });
    await run();
    expect(ready()?.status).toBe('True');
  });

  it('not ready for a new host until the Gateway has seen it', async () => {
    cluster.apply(key, { ...ROUTED, host: 'b.example.com' });
    await run();
    expect(ready()?.reason).toBe('NotRouted');
    expect(status().url).toBeUndefined();
    cluster.rollOut();
    await run();
    expect(status()).toMatchObject({ url: 'http://b.example.com', conditions: [{ status: 'True' }] });
  });
});

it('After a change of the Deployment, a run reads one child more for a Website with a Gateway', async () => {
  const spend = async () => {
    const before = cluster.reads;
    await run('deployment');
    return cluster.reads - before;
  };
  expect(await spend()).toBe(3);
  say(statusBy(route(), [refusal]));
  await run();
  expect(await spend()).toBe(3);
  cluster.apply(key, { ...SPEC, host: 'a.example.com' });
  await run();
  cluster.rollOut();
  await run();
  expect(await spend()).toBe(2);
});

describe('If the cluster lacks the Gateway API,', () => {
  beforeEach(() => cluster.uninstall('HTTPRoute'));

  it('a Website with a Gateway is stalled, and its message names the missing kind', async () => {
    const { outcome, actions } = await run();
    expect(outcome).toEqual({ kind: 'stalled', reason: 'MissingApi', requeueAfterSeconds: 30 });
    expect(actions).toEqual(['update status']);
    expect(ready()?.message).toMatch(/HTTPRoute/);
    expect(status().url).toBeUndefined();
    expect((await run()).actions).toEqual([]);
  });

  it('a Website with a Gateway still follows its spec, and becomes ready once the API is installed', async () => {
    cluster.apply(key, { ...ROUTED, image: 'nginx:2' });
    expect((await run()).actions).toEqual(['replace Deployment', 'update status']);
    cluster.missing.clear();
    expect((await run()).actions).toEqual(['create HTTPRoute', 'update status']);
    cluster.rollOut();
    expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Available' });
  });

  it('a Website becomes ready once its Gateway leaves the spec', async () => {
    await run();
    cluster.apply(key, SPEC);
    await run();
    expect(ready()?.status).toBe('True');
  });

  it.each(['as-needed', 'nothing', 'deployment', 'spec', 'everything'] as const)(
    'a Website without a Gateway is settled in a run that reads %s',
    async (look) => {
      cluster.apply(key, { ...SPEC, host: 'b.example.com' });
      await run(look);
      cluster.rollOut();
      expect((await run(look)).outcome).toEqual({ kind: 'settled', reason: 'Available' });
      expect(await run(look)).toMatchObject({ actions: [] });
    },
  );
});
