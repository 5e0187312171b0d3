// How explain shows children that are not as declared, even if the next reconcile writes nothing.
import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { CHILD_KINDS } from '../../../functions/website/children/kinds.ts';
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

  it('does not name the annotations in which the functions remember the children of a suspended site', async () => {
    cluster.apply(key, { ...SPEC, replicas: 1, suspend: true });
    await settle();
    expect((await explained()).differentFields.map(({ path }) => path)).toEqual(['spec.replicas']);
  });

  it('names a child of a suspended site that the spec no longer declares', async () => {
    cluster.apply(key, { ...SPEC, suspend: true, disruptionBudget: 'None' });
    await settle();
    const { children, text } = await explained();
    expect(text).toMatch(/shop-poddisruptionbudget +belongs to this Website, and the spec does not declare it/);
    // The functions delete it once the Website is resumed.
    expect(children.flatMap(({ toDo }) => toDo ?? [])).toEqual([]);
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

  describe('of a Website that follows a deleted one of its name', () => {
    const OWNER = 'a deleted Website of this name';

    it('says whose the children are, what becomes of them, and what to do if they stay', async () => {
      cluster.drop('Website', key);
      cluster.apply(key, { ...SPEC, disruptionBudget: 'None' });
      const { children, text } = await explained();
      expect(children.map(({ kind, owner, isLeftOver }) => [kind, owner, isLeftOver])).toEqual([
        ['Deployment', OWNER, undefined],
        ['Service', OWNER, undefined],
        ['PodDisruptionBudget', OWNER, true],
      ]);
      expect(text).toMatch(/shop-deployment +belongs to a deleted Website of this name\n/);
      const toDo = text.slice(text.indexOf('What to do'), text.indexOf('Children'));
      expect(toDo).toContain('the garbage collector deletes it');
      expect(toDo).toContain('after 5 minutes: kubectl delete service shop-service -n team-a\n');
    });

    it.each([
      ['is suspended', { suspend: true }, 'once the Website is resumed (website resume shop -n team-a)'],
      ['has an invalid spec', { image: 'no image' }, 'once the spec is valid'],
    ])('and %s says when the functions take the children over', async (_, fields, when) => {
      cluster.drop('Website', key);
      cluster.apply(key, { ...SPEC, ...fields });
      const { text } = await explained();
      const toDo = text.slice(text.indexOf('What to do'), text.indexOf('Children'));
      expect(toDo).toContain(`The functions take it over ${when}, unless the garbage collector deletes it first`);
      expect(toDo).not.toContain('kubectl delete');
    });

    it('says so while the cluster does not let the functions take the children over', async () => {
      cluster.drop('Website', key);
      cluster.apply(key, SPEC);
      const replace = cluster.replace.bind(cluster);
      cluster.replace = async () => Promise.reject(new ClusterError('OwnershipDenied', 'no right to delete'));
      await settle();
      const { ready, children } = await explained();
      expect(ready?.reason).toBe('WaitingForDeletion');
      expect(new Set(children.map(({ owner }) => owner))).toEqual(new Set([OWNER]));
      // The advice must be true: the next run creates the deleted children again.
      cluster.replace = replace;
      for (const child of cluster.children()) cluster.drop(child.kind, child.metadata);
      await settle();
      expect(new Set((await explained()).children.map(({ owner, toDo }) => [owner, toDo].join()))).toEqual(
        new Set(['this Website,']),
      );
    });
  });

  describe('of a Website that follows one whose children were orphaned', () => {
    const SPECS = {
      HorizontalPodAutoscaler: { image: 'nginx:1', autoscaling: { minReplicas: 2, maxReplicas: 4 } },
      Ingress: { ...SPEC, host: 'shop.example.com' },
      HTTPRoute: { ...SPEC, host: 'shop.example.com', gateway: { name: 'web' } },
      PodDisruptionBudget: SPEC,
    } as const;

    /** Makes the children of the spec, and deletes the Website without them. Another one with the next spec follows. */
    async function orphan(spec: object, next: object): Promise<void> {
      cluster.apply(key, spec);
      await settle();
      for (const kind of CHILD_KINDS) {
        const child = await cluster.getChild(kind, key);
        if (child !== undefined) cluster.edit(child, { metadata: { ...child.metadata, ownerReferences: [] } });
      }
      cluster.drop('Website', key);
      cluster.apply(key, next);
    }

    it('and that is suspended says that it adopts a child only once it is resumed', async () => {
      await orphan(SPECS.Ingress, { ...SPEC, suspend: true });
      const { text } = await explained();
      expect(text).toContain('To let the Website adopt it, state spec.host and resume the Website');
    });

    it.each([
      ['HorizontalPodAutoscaler', 'It still scales the Deployment', 'spec.autoscaling.maxReplicas'],
      ['Ingress', 'It still publishes its hosts', 'spec.host'],
      ['HTTPRoute', 'It still publishes its hosts', 'spec.host and spec.gateway'],
      ['PodDisruptionBudget', 'It still limits evictions', 'spec.replicas of at least 2'],
    ] as const)(
      'says what a %s does that the spec does not declare, and how to delete or adopt it',
      async (kind, does, field) => {
        await orphan(SPECS[kind], { ...SPEC, replicas: 6, disruptionBudget: 'None' });
        await settle();
        const name = `shop-${kind.toLowerCase()}`;
        const { children, text } = await explained();
        const line = children.find((child) => child.kind === kind);
        expect(line).toMatchObject({ name, owner: 'no Website', isLeftOver: true });
        expect(text).toMatch(new RegExp(`${name} +belongs to no Website, and the spec does not declare it`));
        expect(line?.toDo).toContain(does);
        expect(line?.toDo).toContain('--cascade=orphan');
        expect(line?.toDo).toContain(`kubectl delete ${kind.toLowerCase()} ${name} -n team-a`);
        expect(line?.toDo).toContain(field);
        expect(text.slice(text.indexOf('What to do'))).toContain(`\n  ${line?.toDo}\n`);
        // The advice must be true: a spec that declares it adopts it.
        cluster.apply(key, SPECS[kind]);
        await settle();
        expect((await explained()).children).toContainEqual({ kind, name, owner: 'this Website' });
      },
    );

    it('says nothing of one that the next reconcile adopts, beside one that somebody else made', async () => {
      await orphan(SPECS.Ingress, SPECS.Ingress);
      const ingress = await cluster.getChild('Ingress', key);
      if (ingress === undefined) throw new Error('no Ingress');
      const { labels: _, ...unlabelled } = ingress.metadata;
      cluster.edit(ingress, { metadata: unlabelled });
      cluster.apply(key, SPEC);
      const { children, text } = await explained();
      expect(children.map(({ kind, owner, toDo }) => [kind, owner, toDo])).toEqual([
        ['Deployment', 'no Website', undefined],
        ['Service', 'no Website', undefined],
        ['Ingress', 'somebody else', undefined],
        ['PodDisruptionBudget', 'no Website', undefined],
      ]);
      expect(text).toMatch(/shop-deployment +belongs to no Website\n/);
      expect(text).not.toContain('--cascade=orphan');
    });

    it('does not advise to delete a child while an invalid spec hides whether it is declared', async () => {
      await orphan(SPECS.Ingress, { ...SPECS.Ingress, image: 'Nginx' });
      const { children } = await explained();
      expect(children.find(({ kind }) => kind === 'Ingress')).toEqual({
        kind: 'Ingress',
        name: 'shop-ingress',
        owner: 'no Website',
      });
    });

    it('says it after what the reason asks for', async () => {
      await orphan(SPECS.HorizontalPodAutoscaler, SPEC);
      await settle();
      const [website] = cluster.websites();
      if (website === undefined) throw new Error('no Website');
      const explanation = await explain(website, { cluster, transport, now: NOW, defaults: {} });
      const failing = {
        ...explanation,
        ready: { status: 'False', reason: 'Rejected', message: 'no', lastTransitionTime: NOW.toISOString() } as const,
        advice: { means: '', toDo: 'change the spec' },
      };
      expect(explanationText(failing, NOW)).toMatch(/What to do\n  change the spec\n  HorizontalPodAutoscaler shop-h/);
    });
  });
});
