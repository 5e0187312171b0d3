// The annotation that lists the optional children, in its present form and in those of older and newer releases.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { HAS_INGRESS, OPTIONAL_CHILDREN } from '../../../functions/website/children/metadata.ts';
import { REQUESTED_AT } from '../../../functions/website/resource.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const HOST = { ...SPEC, host: 'shop.example.com' };
const BOTH = { ...HOST, disruptionBudget: 'Auto' };
let cluster: MemoryCluster;

const run = () => reconcile(key, { cluster, now: () => NOW });
const deployment = () =>
  cluster.children().find((child): child is Deployment => child.kind === 'Deployment') as Deployment;
const mark = () => deployment().metadata.annotations?.[OPTIONAL_CHILDREN];
const kinds = () => cluster.children().map(({ kind }) => kind);

async function settle(spec: object): Promise<void> {
  cluster.apply(key, spec);
  await run();
  cluster.rollOut();
  await run();
}

/** Gives the Deployment the annotation in the form of another release. */
function remark(annotations: Record<string, string>): void {
  const { metadata } = deployment();
  const { [OPTIONAL_CHILDREN]: _, ...others } = metadata.annotations ?? {};
  cluster.edit(deployment(), { metadata: { ...metadata, annotations: { ...others, ...annotations } } });
}

beforeEach(() => {
  cluster = new MemoryCluster();
});

it.each([
  [SPEC, undefined],
  [HOST, 'Ingress'],
  [{ ...SPEC, disruptionBudget: 'Auto' }, 'PodDisruptionBudget'],
  [{ ...SPEC, autoscaling: { maxReplicas: 4 } }, 'HorizontalPodAutoscaler'],
  [BOTH, 'Ingress,PodDisruptionBudget'],
])('The annotation for %j is %s', async (spec, expected) => {
  await settle(spec);
  expect(mark()).toBe(expected);
});

describe('The annotation of an older release', () => {
  beforeEach(async () => {
    await settle(HOST);
    remark({ [HAS_INGRESS]: 'true' });
  });

  it('leads to no write on its own', async () => {
    expect((await run()).actions).toEqual([]);
  });

  it('is replaced by the next write, and the Pod template stays unchanged', async () => {
    const { template } = deployment().spec;
    cluster.apply(key, { ...HOST, replicas: 3 });
    expect((await run()).actions).toContain('replace Deployment');
    expect(mark()).toBe('Ingress');
    expect(deployment().metadata.annotations).not.toHaveProperty(HAS_INGRESS);
    expect(deployment().spec.template).toEqual(template);
  });

  it('counts as a list with the Ingress, which is deleted with its host', async () => {
    cluster.apply(key, SPEC);
    expect((await run()).actions).toEqual(['delete Ingress', 'replace Deployment', 'update status']);
    expect(kinds()).toEqual(['Deployment', 'Service']);
    expect(deployment().metadata.annotations).not.toHaveProperty(HAS_INGRESS);
  });

  it('counts together with the present annotation, because both releases may write during an upgrade', async () => {
    await settle(BOTH);
    remark({ [HAS_INGRESS]: 'true', [OPTIONAL_CHILDREN]: 'PodDisruptionBudget' });
    cluster.apply(key, SPEC);
    expect((await run()).actions).toEqual(expect.arrayContaining(['delete Ingress', 'delete PodDisruptionBudget']));
    expect(kinds()).toEqual(['Deployment', 'Service']);
  });

  it('is replaced when another kind is added', async () => {
    cluster.apply(key, BOTH);
    expect((await run()).actions).toContain('create PodDisruptionBudget');
    expect(mark()).toBe('Ingress,PodDisruptionBudget');
  });
});

it.each(['PodDisruptionBudget,Ingress', 'PodDisruptionBudget,Ingress,Ingress', ',Ingress,PodDisruptionBudget'])(
  'The same kinds listed as %s lead to no write',
  async (list) => {
    await settle(BOTH);
    remark({ [OPTIONAL_CHILDREN]: list });
    expect((await run()).actions).toEqual([]);
  },
);

describe('A kind in the annotation that only a newer release knows', () => {
  beforeEach(async () => {
    await settle(HOST);
    remark({ [OPTIONAL_CHILDREN]: 'Ingress,TCPRoute' });
  });

  it('leads to no write', async () => {
    expect((await run()).actions).toEqual([]);
  });

  it.each([
    ['another image', { ...HOST, image: 'nginx:2' }, 'Ingress,TCPRoute'],
    ['one more child', BOTH, 'Ingress,PodDisruptionBudget,TCPRoute'],
    ['no optional child that this release knows', SPEC, 'TCPRoute'],
  ])('stays listed after a write for %s', async (_, spec, expected) => {
    await settle(spec);
    expect(mark()).toBe(expected);
  });
});

/** Makes the API server refuse to delete children of this kind, until the returned function is called. */
function refuseToDelete(kind: string): () => void {
  const remove = cluster.delete.bind(cluster);
  cluster.delete = async (child) => {
    if (child.kind === kind) throw new ClusterError('Invalid', 'not here');
    return remove(child);
  };
  return () => (cluster.delete = remove);
}

it('An empty list counts as no list, and the next write replaces it', async () => {
  await settle(SPEC);
  remark({ [OPTIONAL_CHILDREN]: '' });
  expect((await run()).actions).toEqual([]);
  await settle(HOST);
  expect(mark()).toBe('Ingress');
});

it('A Website that is resumed deletes an undesired child that the Deployment does not list', async () => {
  await settle(BOTH);
  await settle({ ...BOTH, suspend: true });
  remark({});
  await settle({ ...SPEC, replicas: 1 });
  expect(kinds()).toEqual(['Deployment', 'Service']);
});

it.each(['Ingress, PodDisruptionBudget', 'ingress,Ingress', '__proto__,Ingress', 'Ingress,Foo\nBar', ',,'])(
  'Text that is not a list of kinds, such as %j, is removed from the annotation',
  async (text) => {
    await settle(BOTH);
    remark({ [OPTIONAL_CHILDREN]: text });
    await settle({ ...BOTH, image: 'nginx:2' });
    expect(mark()).toBe('Ingress,PodDisruptionBudget');
    await settle(SPEC);
    expect(mark()).toBeUndefined();
  },
);

it('A requested reconcile deletes an undesired child that the Deployment does not list', async () => {
  await settle(HOST);
  remark({});
  await settle(SPEC);
  expect(kinds()).toContain('Ingress');
  cluster.apply(key, SPEC, { annotations: { [REQUESTED_AT]: 'now' } });
  expect((await run()).actions).toContain('delete Ingress');
  expect(kinds()).toEqual(['Deployment', 'Service']);
});

it('An optional child that cannot be deleted stays listed, and the other one is deleted', async () => {
  await settle(BOTH);
  const allow = refuseToDelete('Ingress');
  cluster.apply(key, SPEC);
  expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'Rejected' });
  expect(kinds()).toEqual(['Deployment', 'Service', 'Ingress']);
  expect(mark()).toBe('Ingress');
  // Another try does not write the Deployment.
  expect((await run()).actions).toEqual([]);
  allow();
  await run();
  expect(kinds()).toEqual(['Deployment', 'Service']);
  expect(mark()).toBeUndefined();
});

it('An optional child that cannot be deleted is listed together with a new one', async () => {
  await settle(HOST);
  refuseToDelete('Ingress');
  cluster.apply(key, { ...SPEC, disruptionBudget: 'Auto' });
  await run();
  expect(kinds()).toEqual(['Deployment', 'Service', 'Ingress', 'PodDisruptionBudget']);
  expect(mark()).toBe('Ingress,PodDisruptionBudget');
});

it('An optional child that cannot be deleted to be recreated is listed once', async () => {
  await settle({ ...HOST, ingressClassName: 'nginx' });
  refuseToDelete('Ingress');
  cluster.apply(key, HOST);
  await run();
  expect(mark()).toBe('Ingress');
});
