// `website plan` predicts the next reconcile: on the model of the cluster, after any history.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differences } from '../../../functions/website/differences.ts';
import { CHILD_KINDS, type ChildKind } from '../../../functions/website/children/kinds.ts';
import { childName } from '../../../functions/website/children/metadata.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { Run } from '../../../functions/website/run/run.ts';
import { planCommand } from '../../../infra/cli/plan/command.ts';
import { planFleet } from '../../../infra/cli/plan/fleet.ts';
import { planManifests } from '../../../infra/cli/plan/plan.ts';
import { planned, type Planned } from '../../../infra/cli/plan/planned.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { RUNS } from '../../fixtures/runs.ts';
import { NOW } from '../../fixtures/websites.ts';
import { anySpec, type Spec } from '../../website/generated.ts';
import { sampled } from '../../sampling.ts';

const key = { namespace: 'team-a', name: 'shop' };
const EFFORT = sampled({ sometimes: 600, often: 6_000 });
const now = () => NOW;

/** What users and others do to a Website and its children before the plan is made. */
type Step =
  | { readonly do: 'apply'; readonly spec: Spec }
  | { readonly do: 'reconcile' }
  | { readonly do: 'roll out' }
  | { readonly do: 'edit' | 'drop' | 'occupy'; readonly kind: ChildKind };

const kind = fc.constantFrom(...CHILD_KINDS);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('apply' as const), spec: anySpec }),
  fc.constant({ do: 'reconcile' } as const),
  fc.constant({ do: 'roll out' } as const),
  fc.record({ do: fc.constantFrom('edit' as const, 'drop' as const, 'occupy' as const), kind }),
);

async function make(cluster: MemoryCluster, made: Step): Promise<void> {
  if (made.do === 'apply') cluster.apply(key, made.spec);
  else if (made.do === 'reconcile') await reconcile(key, { cluster, now });
  else if (made.do === 'roll out') cluster.rollOut();
  else await disturb(cluster, made.do, made.kind);
}

async function disturb(cluster: MemoryCluster, how: 'edit' | 'drop' | 'occupy', which: ChildKind): Promise<void> {
  const child = await cluster.getChild(which, key);
  const name = { ...key, name: childName(which, key.name) };
  if (child === undefined) return;
  if (how !== 'edit') cluster.drop(which, name);
  if (how === 'occupy') {
    const { labels = {}, annotations = {} } = child.metadata;
    await cluster.create({ ...child, metadata: { ...name, labels, annotations, ownerReferences: [] } });
  }
  if (how === 'edit') cluster.edit(child, { metadata: { ...child.metadata, labels: { app: 'other' } } });
}

const clusterAfter = async (history: readonly Step[]): Promise<MemoryCluster> => {
  const cluster = new MemoryCluster();
  for (const made of history) await make(cluster, made);
  return cluster;
};

/** What a reconcile did, derived from the objects before and after it. */
async function done(cluster: MemoryCluster, run: Run = {}) {
  const before = cluster.all();
  const { outcome, actions } = await reconcile(key, { cluster, now }, run);
  const after = cluster.all();
  const fields = CHILD_KINDS.flatMap((each) => {
    const [had, has] = [before, after].map((objects) => objects.find((object) => object.kind === each));
    const isReplaced = had !== undefined && has !== undefined && had.metadata.uid === has.metadata.uid;
    return isReplaced ? differences(stated(had), stated(has)).map((path) => `${each} ${path}`) : [];
  });
  return { actions, fields: fields.toSorted(), outcome: outcome.kind, status: cluster.websites()[0]?.status };
}

const stated = ({
  metadata: { labels, annotations, ownerReferences },
  spec,
}: ReturnType<MemoryCluster['all']>[number]) => ({
  metadata: { labels, annotations, ownerReferences },
  spec,
});

/** What a plan predicts, in the same form. */
/** A child that is deleted after a write is another one afterwards, so `done` cannot tell what was written into it. */
const said = ({ changes, outcome, status }: Planned) => ({
  actions: changes.map(({ verb, kind: of }) => (verb === 'update status' ? verb : `${verb} ${of}`)),
  fields: changes
    .filter(({ kind: of }) => !changes.some((other) => other.kind === of && other.verb === 'delete'))
    .flatMap(({ verb, kind: of, fields }) => (verb === 'replace' ? fields.map(({ path }) => `${of} ${path}`) : []))
    .toSorted(),
  outcome,
  status,
});

describe('website plan', () => {
  it('shows exactly what the next reconcile writes, and writes nothing itself', async () => {
    let changing = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (history) => {
        const cluster = await clusterAfter(history);
        const [before, writes] = [cluster.state(), cluster.writes];
        const plan = await planned(key, cluster, now);
        expect([cluster.state(), cluster.writes]).toEqual([before, writes]);
        if (plan.changes.length > 0) changing++;
        expect(said(plan)).toEqual(await done(cluster));
      }),
      { ...EFFORT, endOnFailure: true },
    );
    expect(changing).toBeGreaterThan(EFFORT.numRuns / 4);
  });

  it('shows what the event of the next spec makes the functions write, which read less than the plan', async () => {
    let same = 0;
    await fc.assert(
      fc.asyncProperty(anySpec, fc.option(anySpec, { freq: 2 }), async (spec, other) => {
        const cluster = await clusterAfter([
          { do: 'apply', spec },
          ...(['reconcile', 'roll out', 'reconcile', 'reconcile'] as const).map((made): Step => ({ do: made })),
        ]);
        cluster.apply(key, other ?? { ...spec, image: 'nginx:next' });
        const plan = await planned(key, cluster, now);
        const { actions } = said(plan);
        if (other === null && actions.join() === 'replace Deployment,update status') same++;
        expect(said(plan)).toEqual(await done(cluster, RUNS.spec));
      }),
      { ...sampled({ sometimes: 300, often: 3_000 }), endOnFailure: true },
    );
    expect(same).toBeGreaterThan(0);
  });

  it('of a file shows what the first reconcile after its application writes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), anySpec, async (history, spec) => {
        const cluster = await clusterAfter(history);
        const target = { cluster, now, transport: undefined as never };
        const [plan] = await planManifests([{ where: 'a file', key, metadata: {}, spec }], target);
        cluster.apply(key, spec);
        const { fields, ...rest } = said(plan as Planned);
        const really = await done(cluster);
        expect({ actions: rest.actions, outcome: rest.outcome }).toEqual({
          actions: really.actions,
          outcome: really.outcome,
        });
        expect(fields).toEqual(really.fields);
      }),
      { ...sampled({ sometimes: 300, often: 3_000 }), endOnFailure: true },
    );
  });

  it('of a name that no Website has is an error, and not a plan without changes', async () => {
    const cluster = new MemoryCluster();
    const surroundings = { cluster, now, namespace: key.namespace } as unknown as Parameters<typeof planCommand.ask>[0];
    const asked = planCommand.ask(surroundings, { output: 'table' }, ['shpo']);
    await expect(asked).rejects.toThrow('There is no Website shpo in namespace team-a');
  });

  it('--all reads only lists, and no single object of a Website that has its children', async () => {
    const cluster = new MemoryCluster();
    for (const name of ['shop', 'blog', 'docs']) {
      const each = { ...key, name };
      cluster.apply(each, { image: 'nginx:1', replicas: 2, host: 'a.example.com' });
      await reconcile(each, { cluster, now });
      cluster.rollOut();
      await reconcile(each, { cluster, now });
    }
    cluster.apply(key, { image: 'nginx:2', replicas: 2, host: 'a.example.com' });
    const before = cluster.reads;
    const fleet = await planFleet({ cluster, now, transport: undefined as never }, () => {});
    expect(fleet).toMatchObject({ seen: 3, written: [{ website: 'team-a/shop', restartsPods: true }] });
    expect(cluster.reads).toBe(before);
  });

  it('--all finds exactly the Websites whose own plan changes something', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (history) => {
        const cluster = await clusterAfter(history);
        const plan = await planned(key, cluster, now);
        const fleet = await planFleet({ cluster, now, transport: undefined as never }, () => {});
        const changes = plan.changes.map(({ verb, kind: of }) => `${verb} ${of}`);
        expect(fleet.seen).toBe(cluster.websites().length);
        expect(fleet.written.map((each) => each.changes.map(({ verb, kind: of }) => `${verb} ${of}`))).toEqual(
          changes.length === 0 ? [] : [changes],
        );
      }),
      { ...sampled({ sometimes: 300, often: 3_000 }), endOnFailure: true },
    );
  });
});
