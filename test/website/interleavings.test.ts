// Overlapping runs of one Website in every possible order of their calls: P3, P4, P9, P10.
import { describe, expect, it } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { isOwnedBy } from '../../functions/website/plan/ownership.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { type Website, websiteSpec } from '../../functions/website/resource.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW, aWebsite } from '../fixtures/websites.ts';
import type { Turns } from './actor.ts';
import { explore } from './explore.ts';
import { world } from './world.ts';
import {
  type Child,
  type ChildKind,
  type Children,
  CHILD_KINDS,
  isOptional,
} from '../../functions/website/children/kinds.ts';
import { GENERATION } from '../../functions/website/children/metadata.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import type { Ingress } from '../../functions/website/children/ingress.ts';
import { RUNS, type RunName } from '../fixtures/runs.ts';
import { desired } from '../../functions/website/plan/desired.ts';
import type { Run } from '../../functions/website/run/run.ts';

const key = { namespace: 'team-a', name: 'shop' };
const OLD = { image: 'nginx:1', replicas: 1 };
const NEW = { image: 'nginx:2', replicas: 1 };
const SCALED = { ...NEW, replicas: 3, disruptionBudget: 'None' };
const HOST = { ...OLD, host: 'shop.example.com' };
const ROUTED = { ...HOST, gateway: { name: 'public' } };
/** With a PodDisruptionBudget. */
const BUDGET = { ...OLD, replicas: 2 };
const AUTOSCALED = { image: 'nginx:1', autoscaling: { maxReplicas: 3 } };
/** Without replicas, because another program scales it. */
const EXTERNAL = { image: 'nginx:1', autoscaling: { external: true } };

const WEB = { ...OLD, childMetadata: { labels: { team: 'web' } } };
const SALES = { ...OLD, childMetadata: { labels: { team: 'sales' } } };

/**
 * What a run reads after an event. `cached` runs may get their Website from a cache. `kept` runs have a copy of the Deployment from
 * before everything that is explored. To `gone` runs, the event said that there is no Deployment.
 */
type Event = RunName | 'cached' | 'cached-spec' | 'kept' | 'kept-cached' | 'gone';

const EVENTS: Record<Event, Run> = {
  ...RUNS,
  cached: { since: '1' },
  'cached-spec': { ...RUNS.spec, since: '1' },
  kept: RUNS.spec,
  'kept-cached': { ...RUNS.spec, since: '1' },
  gone: { ...RUNS.deployment, kept: { Deployment: undefined } },
};

const runOf = (event: Event, kept?: Children): Run => ({
  ...EVENTS[event],
  ...(event.startsWith('kept') ? { kept } : {}),
});

/** The Deployment as it is now. */
async function copyIn(cluster: MemoryCluster): Promise<Children | undefined> {
  const deployment = await cluster.getChild('Deployment', key);
  return deployment === undefined ? undefined : { Deployment: deployment };
}

/** A run after an event. If it loses every race, the event is sent again, which is another run. */
const run =
  (event: Event = 'as-needed', kept?: Children) =>
  async ({ cluster }: Pick<Turns, 'cluster'>) => {
    try {
      await reconcile(key, { cluster, now: () => NOW }, runOf(event, kept));
    } catch (error) {
      if (!(error instanceof ClusterError) || error.class !== 'conflict') throw error;
    }
  };

/** A run whose process ends when it loses a race, so that it cannot undo its writes. */
const mortal =
  (event: Event, kept?: Children) =>
  async ({ cluster }: Pick<Turns, 'cluster'>) => {
    const orEnd = async <T>(work: Promise<T>): Promise<T> =>
      work.catch((error: unknown) => {
        throw error instanceof ClusterError ? new ClusterError('Unreachable', 'the process has ended') : error;
      });
    const ending = {
      ...cluster,
      replace: (child: Child) => orEnd(cluster.replace(child)),
      updateStatus: (website: Website) => orEnd(cluster.updateStatus(website)),
    };
    await reconcile(key, { cluster: ending, now: () => NOW }, runOf(event, kept)).catch((error: unknown) => {
      if (!(error instanceof ClusterError) || error.code !== 'Unreachable') throw error;
    });
  };

type RunOnce = ReturnType<typeof run>;

/** A user who makes changes one after the other. */
const user =
  (...deeds: readonly (() => unknown)[]) =>
  async (turns: Turns) => {
    for (const deed of deeds) await turns.act('user', async () => void (await deed()));
  };

type Notes = Map<string, unknown>;

/** Checks each write for violations. */
function guard(cluster: MemoryCluster): Notes {
  const notes: Notes = new Map();
  for (const website of cluster.websites()) noteStated(website, notes);
  cluster.onWrite = (object) => {
    if (object.kind === 'Website') noteStated(object, notes);
    else expectNothingOld(object as Child, cluster, notes);
    const [uid, generation] = generationOf(object);
    const applied = `generation of ${uid}`;
    expect(generation, `${object.kind} went back`).toBeGreaterThanOrEqual(Number(notes.get(applied) ?? 0));
    notes.set(applied, generation);
    if (object.kind === 'Website') expectHonest(object, cluster);
  };
  return notes;
}

const STATED = 'stated in generation ';
const noteStated = (website: Website, notes: Notes) => {
  const { childMetadata, host } = website.spec as Partial<typeof WEB & typeof HOST>;
  notes.set(`${STATED}${website.metadata.generation ?? 0}`, { team: childMetadata?.labels.team, host });
};

/** Once the status has judged a generation, no child may get the label or host of an earlier one. */
function expectNothingOld(child: Child, cluster: MemoryCluster, notes: Notes): void {
  const [website] = cluster.websites();
  if (website === undefined || !isOwnedBy(child, website)) return;
  const judged = website.status?.observedGeneration ?? 0;
  const recent = [...notes]
    .filter(([name]) => name.startsWith(STATED) && Number(name.slice(STATED.length)) >= judged)
    .map(([, stated]) => stated as { readonly team?: string; readonly host?: string });
  const what = `of ${child.kind} after generation ${judged}`;
  expect(
    recent.map(({ team }) => team),
    `label ${what}`,
  ).toContain(child.metadata.labels?.['team']);
  // A late creation removes itself (docs/adr/0004-fencing.md).
  const hosts = recent.map(({ host }) => host);
  if (child.kind === 'Ingress' && !hosts.includes(undefined))
    expect(hosts, `host ${what}`).toContain(child.spec.rules?.[0]?.host);
}

/** The uid of the owner, and the generation that the object was written for. */
function generationOf(object: Website | Child): [string, number] {
  const { uid, ownerReferences = [], annotations } = object.metadata;
  if (object.kind === 'Website') return [uid, object.status?.observedGeneration ?? 0];
  return [`${object.kind} of ${ownerReferences[0]?.uid}`, Number(annotations?.[GENERATION] ?? 0)];
}

function expectHonest(website: Website, cluster: MemoryCluster): void {
  const ready = website.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True' || website.status?.observedGeneration !== website.metadata.generation) return;
  const deployment = cluster.children().find(({ kind }) => kind === 'Deployment');
  expect(deployment?.metadata.annotations?.[GENERATION], 'Ready').toBe(String(website.metadata.generation));
}

/** One more event after all others, with the work of the controllers. */
async function settle(cluster: MemoryCluster): Promise<void> {
  for (const _ of [1, 2]) {
    await reconcile(key, { cluster, now: () => NOW });
    cluster.rollOut();
  }
  await reconcile(key, { cluster, now: () => NOW });
}

const NO_POLICY = (child: Child): Child => child;

/** Changes the image, which the spec states, and adds a variable, which it does not. */
function policy(child: Child): Child {
  if (child.kind !== 'Deployment') return child;
  const changed = structuredClone(child) as Deployment & { spec: { template: { spec: { containers: object[] } } } };
  for (const container of changed.spec.template.spec.containers)
    Object.assign(container, { image: 'mirror/nginx', env: [{ name: 'POLICY', value: '1' }] });
  return changed;
}

/** The final state of a Website without overlapping runs. */
async function alone(spec: object, admit = NO_POLICY): Promise<unknown[]> {
  const cluster = new MemoryCluster();
  cluster.admit = admit;
  cluster.apply(key, spec);
  await settle(cluster);
  return world(cluster);
}

/** A settled Website as the start of a race. */
async function settled(spec: object, admit = NO_POLICY): Promise<() => MemoryCluster> {
  const cluster = new MemoryCluster();
  cluster.admit = admit;
  cluster.apply(key, spec);
  await settle(cluster);
  return () => cluster.copy();
}

/** The optional kinds that the specs do not desire. */
const absentIn = (...specs: readonly (object | undefined)[]): readonly ChildKind[] =>
  CHILD_KINDS.filter(isOptional).filter((kind) =>
    specs.every((spec) => spec === undefined || desired(aWebsite(), websiteSpec.parse(spec))[kind] === undefined),
  );

interface Race {
  /** Undefined if the Website does not exist at first. */
  readonly from?: object;
  /** The user's changes during the runs, in this order. */
  readonly deeds: (cluster: MemoryCluster) => readonly (() => unknown)[];
  readonly runs: readonly Event[];
  /** Whether a run ends instead of trying again when it loses a race. */
  readonly areMortal?: true;
  readonly to: object;
  /** A policy of the cluster that changes what is written. */
  readonly admit?: (child: Child) => Child;
}

function editDeployment(cluster: MemoryCluster): void {
  const deployment = cluster.children().find((child): child is Deployment => child.kind === 'Deployment');
  if (deployment !== undefined) cluster.edit(deployment, { spec: { ...deployment.spec, replicas: 7 } });
}

function editIngress(cluster: MemoryCluster, host: string): void {
  const ingress = cluster.children().find((child): child is Ingress => child.kind === 'Ingress');
  if (ingress === undefined) return;
  const rules = (ingress.spec.rules ?? []).map((rule) => ({ ...rule, host }));
  const { onWrite } = cluster;
  cluster.onWrite = () => {};
  cluster.edit(ingress, { spec: { ...ingress.spec, rules } });
  cluster.onWrite = onWrite;
}

const deleteDeployment = (cluster: MemoryCluster) => cluster.remove('Deployment', { ...key, name: 'shop-deployment' });
const deleteIngress = (cluster: MemoryCluster) => cluster.remove('Ingress', { ...key, name: 'shop-ingress' });

const apply = (spec: object) => (cluster: MemoryCluster) => [() => cluster.apply(key, spec)];

describe('P3, P9, P10: in every order of the calls, no generation goes back, Ready is true, and the final state is the same, when', () => {
  it.each<[string, Race]>([
    ['two runs create one Website', { deeds: apply(OLD), runs: ['nothing', 'nothing'], to: OLD }],
    [
      'a Website changes while two runs create it',
      {
        deeds: (cluster) => [() => cluster.apply(key, OLD), () => cluster.apply(key, NEW)],
        runs: ['nothing', 'as-needed'],
        to: NEW,
      },
    ],
    [
      'two runs follow one change, and a policy changes what they write',
      { from: OLD, deeds: apply(NEW), runs: ['as-needed', 'as-needed'], to: NEW, admit: policy },
    ],
    [
      'a cache lags behind one change, and a policy changes what is written',
      { from: OLD, deeds: apply(NEW), runs: ['cached', 'as-needed'], to: NEW, admit: policy },
    ],
    ['two runs follow one change', { from: OLD, deeds: apply(NEW), runs: ['as-needed', 'as-needed'], to: NEW }],
    [
      'two runs follow two changes',
      {
        from: OLD,
        deeds: (cluster) => [() => cluster.apply(key, NEW), () => cluster.apply(key, SCALED)],
        runs: ['as-needed', 'as-needed'],
        to: SCALED,
      },
    ],
    [
      'the second change reverts the first',
      {
        from: OLD,
        deeds: (cluster) => [() => cluster.apply(key, NEW), () => cluster.apply(key, OLD)],
        runs: ['as-needed', 'as-needed'],
        to: OLD,
      },
    ],
    [
      'three runs follow one change',
      { from: OLD, deeds: apply(NEW), runs: ['as-needed', 'as-needed', 'as-needed'], to: NEW },
    ],
    ['a cache lags behind one change', { from: OLD, deeds: apply(NEW), runs: ['cached', 'cached'], to: NEW }],
    [
      'a cache lags behind two changes',
      {
        from: OLD,
        deeds: (cluster) => [() => cluster.apply(key, NEW), () => cluster.apply(key, SCALED)],
        runs: ['cached', 'as-needed'],
        to: SCALED,
      },
    ],
    [
      'a cache lags behind a change that is reverted',
      {
        from: OLD,
        deeds: (cluster) => [() => cluster.apply(key, NEW), () => cluster.apply(key, OLD)],
        runs: ['cached', 'cached'],
        to: OLD,
      },
    ],
    [
      'a cache lags behind the Website while its Deployment is edited by hand',
      {
        from: OLD,
        deeds: (cluster) => [() => editDeployment(cluster), () => cluster.apply(key, NEW)],
        runs: ['cached', 'cached'],
        to: NEW,
      },
    ],
    ['a cache lags behind an added host', { from: OLD, deeds: apply(HOST), runs: ['cached', 'as-needed'], to: HOST }],
    ['a cache lags behind a removed host', { from: HOST, deeds: apply(OLD), runs: ['cached', 'as-needed'], to: OLD }],
    [
      'a Website changes while its Deployment is restored',
      {
        from: OLD,
        deeds: (cluster) => [() => editDeployment(cluster), () => cluster.apply(key, NEW)],
        runs: ['deployment', 'as-needed'],
        to: NEW,
      },
    ],
    [
      'a cache lags behind a new host, and behind the Deployment',
      { from: OLD, deeds: apply(HOST), runs: ['cached-spec', 'as-needed'], to: HOST },
    ],
    [
      'a cache lags behind a removed host, and behind the Deployment',
      { from: HOST, deeds: apply(OLD), runs: ['cached-spec', 'as-needed'], to: OLD },
    ],
    [
      'a cache lags behind an edit of the Deployment, and the event reports only the Website',
      {
        from: OLD,
        deeds: (cluster) => [() => cluster.apply(key, NEW), () => editDeployment(cluster)],
        runs: ['cached-spec', 'cached-spec'],
        to: NEW,
      },
    ],
    [
      'a cache lags behind a changed label, and behind the children that have it',
      { from: WEB, deeds: apply(SALES), runs: ['cached-spec', 'spec'], to: SALES },
    ],
    [
      'a cache lags behind two changes that do not concern the Service',
      {
        from: OLD,
        deeds: (cluster) => [() => cluster.apply(key, NEW), () => cluster.apply(key, SCALED)],
        runs: ['cached-spec', 'cached-spec'],
        to: SCALED,
      },
    ],
    [
      'the host is removed while the Deployment is recreated',
      {
        from: HOST,
        deeds: (cluster) => [() => deleteDeployment(cluster), () => cluster.apply(key, OLD)],
        runs: ['deployment', 'as-needed'],
        to: OLD,
      },
    ],
    [
      'a Deployment is restored twice',
      {
        from: OLD,
        deeds: (cluster) => [() => editDeployment(cluster)],
        runs: ['deployment', 'deployment'],
        to: OLD,
      },
    ],
    ...(['kept', 'kept-cached'] as const).flatMap((event): [string, Race][] => [
      [`a copy is up to date (${event})`, { from: OLD, deeds: apply(NEW), runs: [event, event], to: NEW }],
      [
        `a copy is behind two changes (${event})`,
        {
          from: OLD,
          deeds: (cluster) => [() => cluster.apply(key, NEW), () => cluster.apply(key, SCALED)],
          runs: [event, event],
          to: SCALED,
        },
      ],
      [
        `a copy is of a Deployment that was edited by hand (${event})`,
        {
          from: OLD,
          deeds: (cluster) => [() => editDeployment(cluster), () => cluster.apply(key, NEW)],
          runs: [event, 'deployment'],
          to: NEW,
        },
      ],
      [
        `a copy is of a Deployment that was deleted by hand (${event})`,
        {
          from: OLD,
          deeds: (cluster) => [() => deleteDeployment(cluster), () => cluster.apply(key, NEW)],
          runs: [event, 'deployment'],
          to: NEW,
        },
      ],
    ]),
    [
      'a copy is behind a change that is taken back',
      {
        from: OLD,
        deeds: (cluster) => [() => cluster.apply(key, NEW), () => cluster.apply(key, OLD)],
        runs: ['kept-cached', 'kept-cached'],
        to: OLD,
      },
    ],
    [
      'the Deployment is deleted, and a change follows',
      {
        from: OLD,
        deeds: (cluster) => [() => deleteDeployment(cluster), () => cluster.apply(key, NEW)],
        runs: ['gone', 'as-needed'],
        to: NEW,
      },
    ],
    [
      'two events say that the Deployment is gone',
      {
        from: OLD,
        deeds: (cluster) => [() => deleteDeployment(cluster)],
        runs: ['gone', 'gone'],
        to: OLD,
      },
    ],
    [
      'an event says falsely that the Deployment is gone, which somebody edits',
      {
        from: HOST,
        deeds: (cluster) => [() => editDeployment(cluster), () => cluster.apply(key, OLD)],
        runs: ['gone', 'as-needed'],
        to: OLD,
      },
    ],
    [
      'the Deployment is deleted while the host is removed',
      {
        from: HOST,
        deeds: (cluster) => [() => deleteDeployment(cluster), () => cluster.apply(key, OLD)],
        runs: ['gone', 'as-needed'],
        to: OLD,
      },
    ],
    [
      'the Deployment is deleted while a label is added',
      {
        from: OLD,
        deeds: (cluster) => [() => deleteDeployment(cluster), () => cluster.apply(key, WEB)],
        runs: ['gone', 'spec'],
        to: WEB,
      },
    ],
    ['a copy lists no host that comes', { from: OLD, deeds: apply(HOST), runs: ['kept-cached', 'spec'], to: HOST }],
    ['a copy lists a host that goes', { from: HOST, deeds: apply(OLD), runs: ['kept-cached', 'spec'], to: OLD }],
    ['a copy has no labels that come', { from: OLD, deeds: apply(WEB), runs: ['kept-cached', 'spec'], to: WEB }],
    [
      'a copy is behind, and a policy changes what is written',
      { from: OLD, deeds: apply(NEW), runs: ['kept-cached', 'as-needed'], to: NEW, admit: policy },
    ],
    [
      'a copy is from before an autoscaler scaled',
      {
        from: AUTOSCALED,
        deeds: (cluster) => [
          () => cluster.autoscale('maxReplicas'),
          () => cluster.apply(key, { ...AUTOSCALED, image: 'nginx:2' }),
        ],
        runs: ['kept-cached'],
        to: { ...AUTOSCALED, image: 'nginx:2' },
      },
    ],
    ['a host is added', { from: OLD, deeds: apply(HOST), runs: ['as-needed', 'as-needed'], to: HOST }],
    ['a host is removed', { from: HOST, deeds: apply(OLD), runs: ['as-needed', 'as-needed'], to: OLD }],
    ['a budget is added', { from: OLD, deeds: apply(BUDGET), runs: ['as-needed', 'as-needed'], to: BUDGET }],
    ['a budget is removed', { from: BUDGET, deeds: apply(OLD), runs: ['as-needed', 'as-needed'], to: OLD }],
    [
      'a cache lags behind a removed budget',
      { from: BUDGET, deeds: apply(OLD), runs: ['cached', 'as-needed'], to: OLD },
    ],
    [
      'an autoscaler is added and scales at once',
      {
        from: OLD,
        deeds: (cluster) => [() => cluster.apply(key, AUTOSCALED), () => cluster.autoscale('maxReplicas')],
        runs: ['as-needed', 'as-needed'],
        to: AUTOSCALED,
      },
    ],
    [
      'an autoscaler scales and is removed',
      {
        from: AUTOSCALED,
        deeds: (cluster) => [() => cluster.autoscale('maxReplicas'), () => cluster.apply(key, OLD)],
        runs: ['deployment', 'as-needed'],
        to: OLD,
      },
    ],
    [
      'an autoscaler scales while the Website changes',
      {
        from: AUTOSCALED,
        deeds: (cluster) => [
          () => cluster.apply(key, { ...AUTOSCALED, image: 'nginx:2' }),
          () => cluster.autoscale('maxReplicas'),
        ],
        runs: ['as-needed'],
        to: { ...AUTOSCALED, image: 'nginx:2' },
      },
    ],
    [
      'an autoscaled site is parked and started again',
      {
        from: AUTOSCALED,
        deeds: (cluster) => [
          () => cluster.apply(key, { ...AUTOSCALED, replicas: 0 }),
          () => cluster.apply(key, AUTOSCALED),
        ],
        runs: ['as-needed'],
        to: AUTOSCALED,
      },
    ],
    ['a Website without replicas is created', { deeds: apply(EXTERNAL), runs: ['nothing', 'as-needed'], to: EXTERNAL }],
    [
      'a Website loses its replicas',
      { from: OLD, deeds: apply(EXTERNAL), runs: ['cached-spec', 'as-needed'], to: EXTERNAL },
    ],
    [
      'a Website loses its replicas and gets another image',
      {
        from: OLD,
        deeds: (cluster) => [
          () => cluster.apply(key, EXTERNAL),
          () => cluster.apply(key, { ...EXTERNAL, image: 'nginx:2' }),
        ],
        runs: ['as-needed', 'spec'],
        to: { ...EXTERNAL, image: 'nginx:2' },
      },
    ],
    [
      'a host is added while a budget is removed',
      { from: BUDGET, deeds: apply(HOST), runs: ['as-needed', 'as-needed'], to: HOST },
    ],
    ['a Gateway is added', { from: OLD, deeds: apply(ROUTED), runs: ['as-needed', 'as-needed'], to: ROUTED }],
    ['a Gateway is removed', { from: ROUTED, deeds: apply(OLD), runs: ['as-needed', 'deployment'], to: OLD }],
    [
      'a Gateway replaces an Ingress and serves the site',
      {
        from: HOST,
        deeds: (cluster) => [() => cluster.apply(key, ROUTED), () => cluster.rollOut()],
        runs: ['as-needed', 'deployment'],
        to: ROUTED,
      },
    ],
    ['an Ingress replaces a Gateway', { from: ROUTED, deeds: apply(HOST), runs: ['as-needed', 'as-needed'], to: HOST }],
    [
      'a host is removed while a budget is added',
      { from: HOST, deeds: apply(BUDGET), runs: ['as-needed', 'spec'], to: BUDGET },
    ],
    ...(['as-needed', 'spec', 'kept-cached'] as const).flatMap((event): [string, Race][] => [
      [
        `the image changes and then the host (${event})`,
        {
          from: HOST,
          deeds: (cluster) => [
            () => cluster.apply(key, { ...HOST, image: 'nginx:2' }),
            () => cluster.apply(key, { ...HOST, image: 'nginx:2', host: 'b.example.com' }),
          ],
          runs: ['spec', event],
          to: { ...HOST, image: 'nginx:2', host: 'b.example.com' },
        },
      ],
      [
        `the host changes and changes back (${event})`,
        {
          from: HOST,
          deeds: (cluster) => {
            cluster.apply(key, { ...HOST, host: 'b.example.com' });
            return [() => cluster.apply(key, HOST)];
          },
          runs: ['spec', event],
          areMortal: true,
          to: HOST,
        },
      ],
      [
        `the image changes while somebody edits the Ingress as the next spec wants it (${event})`,
        {
          from: HOST,
          deeds: (cluster) => [
            () => cluster.apply(key, { ...HOST, image: 'nginx:2' }),
            () => editIngress(cluster, 'b.example.com'),
            () => cluster.apply(key, { ...HOST, host: 'b.example.com' }),
          ],
          runs: ['everything', event],
          to: { ...HOST, host: 'b.example.com' },
        },
      ],
      [
        `a budget goes and comes back (${event})`,
        {
          from: BUDGET,
          deeds: (cluster) => {
            cluster.apply(key, OLD);
            return [() => cluster.apply(key, BUDGET)];
          },
          runs: ['spec', event],
          areMortal: true,
          to: BUDGET,
        },
      ],
    ]),
    ['labels are added', { from: OLD, deeds: apply(WEB), runs: ['spec', 'spec'], to: WEB }],
    ['labels are removed', { from: WEB, deeds: apply(OLD), runs: ['spec', 'spec'], to: OLD }],
    [
      'labels change while a run reads all children',
      { from: WEB, deeds: apply(SALES), runs: ['everything', 'spec'], to: SALES },
    ],
    [
      'labels are changed and changed back',
      {
        from: WEB,
        deeds: (cluster) => {
          cluster.apply(key, SALES);
          return [() => cluster.apply(key, WEB)];
        },
        runs: ['spec', 'spec'],
        areMortal: true,
        to: WEB,
      },
    ],
    [
      'an Ingress that was deleted by hand is recreated while its host is removed',
      {
        from: HOST,
        deeds: (cluster) => {
          deleteIngress(cluster);
          return [() => cluster.apply(key, OLD)];
        },
        runs: ['everything', 'as-needed'],
        to: OLD,
      },
    ],
  ])('%s', { timeout: 300_000 }, async (_, { from, deeds, runs, areMortal, to, admit }) => {
    const expected = await alone(to, admit);
    const start = from === undefined ? () => new MemoryCluster() : await settled(from, admit);
    const cluster = start();
    const kept = await copyIn(cluster);
    const work = areMortal === true ? mortal : run;
    // Runs after the same event do the same work, so the search need not distinguish them.
    const works = Object.fromEntries(runs.map((event) => [event, work(event, kept)])) as Record<Event, RunOnce>;
    const explored = await explore({
      cluster,
      notes: guard(cluster),
      actors: [user(...deeds(cluster)), ...runs.map((event) => works[event])],
      async end() {
        await settle(cluster);
        expect(world(cluster)).toEqual(expected);
        const [website] = cluster.websites();
        for (const child of cluster.children()) expect(website && isOwnedBy(child, website)).toBe(true);
      },
    });
    expect(explored.ends).toBeGreaterThan(1);
    for (const kind of absentIn(from, to)) expect(explored.changed).not.toContain(kind);
  });
});

it('P9: an Ingress without a host is found even if its Deployment was deleted after the search for it', async () => {
  const cluster = (await settled(HOST))();
  deleteIngress(cluster);
  deleteDeployment(cluster);
  const getWebsite = cluster.getWebsite.bind(cluster);
  cluster.getWebsite = async (where) => {
    cluster.getWebsite = getWebsite;
    await run()({ cluster });
    deleteDeployment(cluster);
    cluster.apply(key, OLD);
    return cluster.getWebsite(where);
  };
  await run()({ cluster });
  await settle(cluster);
  expect(world(cluster)).toEqual(await alone(OLD));
});

it('P4: a run never touches a foreign Deployment that appears during it, and the Website reports the conflict', async () => {
  const foreign = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...key, name: 'shop-deployment', labels: {}, annotations: {}, ownerReferences: [] },
    spec: { replicas: 7, selector: { matchLabels: { app: 'other' } }, template: {} },
  } as unknown as Parameters<MemoryCluster['create']>[0];
  const outcomes = new Set<string>();
  const cluster = new MemoryCluster();
  const notes: Notes = new Map();
  const deed = async () => notes.set('theirs', await cluster.create(foreign).catch(() => undefined));
  await explore({
    cluster,
    notes,
    actors: [user(() => cluster.apply(key, OLD), deed), run('nothing'), run()],
    async end() {
      await settle(cluster);
      const theirs = notes.get('theirs') as Child | undefined;
      const found = await cluster.getChild('Deployment', key);
      const [website] = cluster.websites();
      const ready = website?.status?.conditions?.find(({ type }) => type === 'Ready');
      outcomes.add(`${ready?.reason}`);
      // Only the Deployment controller has written to it.
      const { spec, metadata } = found ?? {};
      if (theirs !== undefined)
        expect({ ...theirs, spec, metadata: { ...metadata, resourceVersion: '1' } }).toEqual(theirs);
      expect(ready?.reason).toBe(theirs === undefined ? 'Available' : 'NameConflict');
    },
  });
  expect([...outcomes].toSorted()).toEqual(['Available', 'NameConflict']);
});

/**
 * The garbage collector handles one child. It decides by the owners that it read, and deletes the child with the version that it read. If
 * only the version has changed since, it deletes by uid (Kubernetes pkg/controller/garbagecollector, attemptToDeleteItem and deleteObject).
 */
const collector = (cluster: MemoryCluster, kind: 'Deployment' | 'Service') => async (turns: Turns) => {
  const { act } = turns;
  const seen = await act('collector gets child', () => cluster.getChild(kind, key));
  const [website] = await act('collector looks for owner', async () => cluster.websites());
  if (seen === undefined || (website !== undefined && isOwnedBy(seen, website))) return;
  const isDeleted = await act('collector deletes child', () => deletes(cluster, seen));
  if (isDeleted) return;
  const live = await act('collector gets child again', () => cluster.getChild(kind, key));
  if (live?.metadata.uid !== seen.metadata.uid) return;
  if (JSON.stringify(live.metadata.ownerReferences) !== JSON.stringify(seen.metadata.ownerReferences)) return;
  await act('collector deletes by uid', async () => {
    const found = await cluster.getChild(kind, key);
    if (found?.metadata.uid === seen.metadata.uid) await deletes(cluster, found);
  });
};

const deletes = (cluster: MemoryCluster, child: Child): Promise<boolean> =>
  cluster.delete(child).then(
    () => true,
    () => false,
  );

/** A child that belongs to a Website never returns to an earlier Website. */
function guardOwners(cluster: MemoryCluster, notes: Notes): void {
  const { onWrite } = cluster;
  cluster.onWrite = (object) => {
    onWrite(object);
    const { uid, ownerReferences = [] } = object.metadata;
    expect(ownerReferences.length).toBeLessThanOrEqual(1);
    const number = Number(/\d+/.exec(ownerReferences[0]?.uid ?? '0')?.[0]);
    const owner = `owner of ${uid}`;
    expect(number, `the owner of ${object.kind}`).toBeGreaterThanOrEqual(Number(notes.get(owner) ?? 0));
    notes.set(owner, number);
  };
}

describe('P3, P4: in every order of the calls, a Website created again under its name finally owns all its children, when', () => {
  const replaced = (spec: object) => (cluster: MemoryCluster) => [
    () => cluster.drop('Website', key),
    () => cluster.apply(key, spec),
  ];
  const marked = (cluster: MemoryCluster, finalizer: string) => () => {
    const [website] = cluster.websites();
    if (website === undefined) return;
    const metadata = { ...website.metadata, deletionTimestamp: NOW.toISOString(), finalizers: [finalizer] };
    cluster.edit(website, { metadata });
  };
  const orphaned = (cluster: MemoryCluster, kind: 'Deployment' | 'Service') => async () => {
    const child = await cluster.getChild(kind, key);
    if (child !== undefined) cluster.edit<Child>(child, { metadata: { ...child.metadata, ownerReferences: [] } });
  };
  const leaving = (cluster: MemoryCluster) => async () => {
    const child = await cluster.getChild('Deployment', key);
    const mark = { deletionTimestamp: NOW.toISOString(), finalizers: ['foregroundDeletion'] };
    if (child !== undefined) cluster.edit<Child>(child, { metadata: { ...child.metadata, ...mark } });
  };

  it.each<[string, Race & { readonly collects?: 'Deployment' | 'Service' }]>([
    [
      'the garbage collector is slow with the Deployment',
      { from: OLD, deeds: replaced(NEW), runs: ['as-needed'], to: NEW, collects: 'Deployment' },
    ],
    [
      'the garbage collector is slow with the Service',
      { from: OLD, deeds: replaced(NEW), runs: ['as-needed'], to: NEW, collects: 'Service' },
    ],
    ...(['kept', 'kept-cached'] as const).map((event): [string, Race] => [
      `a process kept a copy of the old one's Deployment (${event})`,
      { from: OLD, deeds: replaced(NEW), runs: [event, 'as-needed'], to: NEW },
    ]),
    [
      'the garbage collector does nothing',
      { from: OLD, deeds: replaced(NEW), runs: ['as-needed', 'nothing'], to: NEW },
    ],
    ['the old Website had a host', { from: HOST, deeds: replaced(OLD), runs: ['as-needed', 'as-needed'], to: OLD }],
    ['the new Website has a host', { from: OLD, deeds: replaced(HOST), runs: ['as-needed', 'nothing'], to: HOST }],
    [
      'a cache still has the old Website, and the Deployment is taken over first',
      { from: OLD, deeds: replaced(NEW), runs: ['cached-spec', 'deployment'], to: NEW },
    ],
    [
      'its children are orphaned',
      {
        from: OLD,
        deeds: (cluster) => [
          marked(cluster, 'orphan'),
          orphaned(cluster, 'Deployment'),
          orphaned(cluster, 'Service'),
          ...replaced(NEW)(cluster),
        ],
        runs: ['as-needed'],
        to: NEW,
      },
    ],
    [
      'its children are deleted first',
      {
        from: OLD,
        deeds: (cluster) => [
          marked(cluster, 'foregroundDeletion'),
          leaving(cluster),
          () => cluster.drop('Service', { ...key, name: 'shop-service' }),
          () => cluster.drop('Deployment', { ...key, name: 'shop-deployment' }),
          ...replaced(NEW)(cluster),
        ],
        runs: ['as-needed'],
        to: NEW,
      },
    ],
  ])('%s', { timeout: 300_000 }, async (_, { from = OLD, deeds, runs, to, collects }) => {
    const start = await settled(from);
    const expected = await alone(to);
    const cluster = start();
    const notes = guard(cluster);
    guardOwners(cluster, notes);
    const kept = await copyIn(cluster);
    const { ends, changed } = await explore({
      cluster,
      notes,
      actors: [
        user(...deeds(cluster)),
        ...runs.map((reads) => run(reads, kept)),
        ...(collects === undefined ? [] : [collector(cluster, collects)]),
      ],
      async end() {
        await settle(cluster);
        expect(world(cluster)).toEqual(expected);
        const [website] = cluster.websites();
        for (const child of cluster.children()) expect(website && isOwnedBy(child, website)).toBe(true);
      },
    });
    expect(ends).toBeGreaterThan(1);
    for (const kind of absentIn(from, to)) expect(changed).not.toContain(kind);
  });
});
