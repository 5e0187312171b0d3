// How explain shows children that are not as declared, even if the next reconcile writes nothing.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { explain } from '../../../infra/cli/explain/explain.ts';
import { explanationText } from '../../../infra/cli/explain/explain-text.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const now = () => NOW;
const SPEC = { image: 'nginx:1', replicas: 2 };
const transport = { sized: async () => ({ value: { items: [], metadata: {} }, bytes: 0 }) } as unknown as Transport;
let cluster: MemoryCluster;

beforeEach(async () => {
  cluster = new MemoryCluster();
  cluster.apply(key, SPEC);
  await settle();
});

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await reconcile(key, { cluster, now });
    cluster.rollOut();
  }
}

async function explained() {
  const [website] = cluster.websites();
  if (website === undefined) throw new Error('no Website');
  const explanation = await explain(website, { cluster, transport, now: NOW, defaults: {} });
  return { ...explanation, text: explanationText(explanation, NOW) };
}

async function scaled(by: string, replicas: number): Promise<void> {
  const deployment = await cluster.getChild('Deployment', key);
  if (deployment === undefined) throw new Error('no Deployment');
  const managedFields = [{ manager: by, time: '2026-01-01T00:00:00Z', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }];
  cluster.edit(deployment, {
    metadata: { ...deployment.metadata, managedFields },
    spec: { ...deployment.spec, replicas },
  });
}

describe('website explain', () => {
  it('shows no difference for a site that is as declared', async () => {
    const { differentFields, children } = await explained();
    expect(differentFields).toEqual([]);
    expect(children).toEqual(
      ['Deployment', 'Service', 'PodDisruptionBudget'].map((kind) => ({
        kind,
        name: `shop-${kind.toLowerCase()}`,
        owner: 'this Website',
      })),
    );
  });

  it('names each different field of a suspended site with its field manager, and each missing child', async () => {
    cluster.apply(key, { ...SPEC, suspend: true });
    await settle();
    await scaled('kubectl-scale', 5);
    const service = await cluster.getChild('Service', key);
    if (service === undefined) throw new Error('no Service');
    cluster.edit(service, { spec: { ...service.spec, selector: { app: 'other' } } });
    cluster.drop('PodDisruptionBudget', { ...key, name: 'shop-poddisruptionbudget' });
    await settle();
    const { plan, differentFields, children, text } = await explained();
    expect(plan?.changes).toEqual([]);
    expect(differentFields).toEqual(
      expect.arrayContaining([
        { kind: 'Deployment', path: 'spec.replicas', manager: 'kubectl-scale' },
        { kind: 'Service', path: 'spec.selector.app' },
      ]),
    );
    expect(children).toContainEqual({ kind: 'PodDisruptionBudget', name: 'shop-poddisruptionbudget' });
    expect(text).toMatch(/Not as the spec declares\n +Deployment +spec.replicas +last written by kubectl-scale/);
    expect(text).toMatch(/PodDisruptionBudget +shop-poddisruptionbudget +is missing/);
  });

  it('names a child of a suspended site that the spec no longer declares', async () => {
    cluster.apply(key, { ...SPEC, suspend: true, disruptionBudget: 'None' });
    await settle();
    expect((await explained()).text).toMatch(
      /shop-poddisruptionbudget +belongs to this Website, and the spec does not declare it/,
    );
  });

  it('names the fields that a policy overrides and the functions no longer write', async () => {
    const replace = cluster.replace.bind(cluster);
    cluster.replace = async (child) => {
      const written = child.kind === 'Deployment' ? { ...child, spec: { ...child.spec, replicas: 1 } } : child;
      return replace(written);
    };
    cluster.apply(key, { ...SPEC, replicas: 3 });
    await settle();
    await scaled('website-reconciler', 1);
    const { plan, ready, differentFields } = await explained();
    expect(ready?.reason).toBe('Overridden');
    expect(plan?.changes.filter(({ verb }) => verb !== 'update status')).toEqual([]);
    expect(differentFields).toEqual([{ kind: 'Deployment', path: 'spec.replicas', manager: 'website-reconciler' }]);
  });

  it('names only fields that others changed, and leaves those of a new spec to the plan', async () => {
    await scaled('kubectl-scale', 5);
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    const { plan, differentFields } = await explained();
    expect(plan?.changes.length).toBeGreaterThan(0);
    expect(differentFields).toEqual([{ kind: 'Deployment', path: 'spec.replicas', manager: 'kubectl-scale' }]);
  });

  it('lists the missing children of a new Website', async () => {
    cluster = new MemoryCluster();
    cluster.apply(key, SPEC);
    const { children } = await explained();
    expect(children.map(({ kind, owner }) => [kind, owner])).toEqual([
      ['Deployment', undefined],
      ['Service', undefined],
      ['PodDisruptionBudget', undefined],
    ]);
  });
});
