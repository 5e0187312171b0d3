// What a subject is put through. Each phase asks the cluster for something, and waits until it is there.
import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from '../../functions/cluster/transport.ts';
import type { Website, WebsiteKey } from '../../functions/website/resource.ts';
import { measureResync } from './lists.ts';
import { createWebsite, patch, patchWebsite, remove, removeWebsite } from '../real-cluster.ts';
import { inParallel, secondsSince } from './measure.ts';
import type { Requests } from './requests.ts';
import { rollOut, rollOutRequests } from './rollouts.ts';
import type { Change } from './stages.ts';
import type { Running } from './subjects.ts';
import { gone, made, madeAgain, ready, scaledBack, updated, type Expectation, type Tracker } from './tracker.ts';
import { childName } from '../../functions/website/children/metadata.ts';

/** How much is asked for. */
export interface Load {
  readonly websites: number;
  readonly site: SiteName;
  /** One at a time. */
  readonly singles: number;
  /** Deployments that are scaled by hand, and as many that are deleted. */
  readonly drifts: number;
  readonly idleSeconds: number;
  readonly churn: { readonly perSecond: number; readonly seconds: number };
}

/** Where it happens. */
export interface Stage {
  readonly transport: Transport;
  readonly namespaces: readonly string[];
  readonly tracker: Tracker;
  readonly running: Running;
  readonly load: Load;
}

/** What came of a phase. */
export interface Course {
  readonly expectations: readonly Expectation[];
  /** Requests of the phase's own, which are not the subject's. */
  readonly own: Requests;
  /** What became of each change of a Website, where the stages matter. */
  readonly changes?: readonly Change[];
  /** Further figures, by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

const IMAGE = 'nginx:1.29';
const NEXT_IMAGE = 'nginx:1.30';
/** What is declared. No rival makes an Ingress or a PodDisruptionBudget, which a `routed` site has. */
export const SITES = {
  plain: { image: IMAGE, replicas: 2, disruptionBudget: 'None' },
  routed: { image: IMAGE, replicas: 2, host: 'shop.example.com' },
} as const;
export type SiteName = keyof typeof SITES;
const wrongReplicas = ({ site }: Load): number => SITES[site].replicas + 5;
/** A subject that is not done by then never will be: an API server takes 60 ms of CPU for the 20,000th Website. */
const deadlineMs = ({ websites }: Load): number => 900_000 + websites * 60;
const REPAIR_DEADLINE_MS = 20_000;
/** An operator that does not watch its children never notices. */
const ROLLOUT_DEADLINE_MS = 60_000;
/** What trails behind a phase counts for it, and not for the next. */
export const TRAILING_MS = 2_000;

/** Every phase, in the order in which they make sense. */
export const PHASES = {
  async create(stage: Stage): Promise<Course> {
    const { websites } = stage.load;
    const expectations = await inParallel(websites, (index) => create(stage, keyOf(stage, 'site', index)));
    await stage.tracker.settled(deadlineMs(stage.load));
    return { expectations, own: { 'POST websites': websites } };
  },

  async single(stage: Stage): Promise<Course> {
    const { singles } = stage.load;
    const expectations: Expectation[] = [];
    for (let index = 0; index < singles; index++) {
      expectations.push(await create(stage, keyOf(stage, 'single', index)));
      await stage.tracker.settled(REPAIR_DEADLINE_MS);
    }
    return { expectations, own: { 'POST websites': singles } };
  },

  async update(stage: Stage): Promise<Course> {
    const { websites } = stage.load;
    const expectations = await inParallel(websites, async (index) => {
      const key = keyOf(stage, 'site', index);
      const expectation = stage.tracker.expect(key, updated({ ...SITES[stage.load.site], image: NEXT_IMAGE }));
      await patchWebsite(stage.transport, key, { spec: { image: NEXT_IMAGE } });
      return expectation;
    });
    await stage.tracker.settled(deadlineMs(stage.load));
    return { expectations, own: { 'PATCH websites': websites } };
  },

  async drift(stage: Stage): Promise<Course> {
    const { drifts, site } = stage.load;
    const wrong = wrongReplicas(stage.load);
    const expectations = await inParallel(2 * drifts, async (index) => {
      const key = keyOf(stage, 'site', index);
      const path = deploymentOf(key);
      const isEdit = index < drifts;
      const repaired = isEdit ? scaledBack(wrong, SITES[site].replicas) : madeAgain();
      const expectation = stage.tracker.expect(key, repaired);
      if (isEdit) await patch(stage.transport, path, { spec: { replicas: wrong } });
      else await remove(stage.transport, path);
      return expectation;
    });
    await stage.tracker.settled(REPAIR_DEADLINE_MS);
    return { expectations, own: { 'PATCH deployments': drifts, 'DELETE deployments': drifts } };
  },

  /** Every Deployment reports that it is rolled out. A Website that is not ready is looked at again, so it would not be idle. */
  async rollout(stage: Stage): Promise<Course> {
    const { websites } = stage.load;
    const expectations = await inParallel(websites, async (index) => {
      const key = keyOf(stage, 'site', index);
      const expectation = stage.tracker.expect(key, ready());
      await rollOut(stage.transport, deploymentOf(key));
      return expectation;
    });
    await stage.tracker.settled(ROLLOUT_DEADLINE_MS);
    return { expectations, own: rollOutRequests(websites) };
  },

  /** Nothing has changed: what looking at all of them takes, beside the lists that nobody can do without. */
  async resync({ transport, running: { resync } }: Stage): Promise<Course> {
    if (resync === undefined) return { expectations: [], own: {} };
    const { seconds, listSeconds, own } = await measureResync(transport, resync);
    const figures = {
      'resync, s': seconds,
      'bare lists, s': listSeconds,
      'resync / bare lists': seconds / listSeconds,
    };
    return { expectations: [], own, figures };
  },

  async idle({ load: { idleSeconds } }: Stage): Promise<Course> {
    await delay(idleSeconds * 1000);
    return { expectations: [], own: {} };
  },

  /** Changes at a rate of its own, whether or not the ones before are there yet: what a cluster is like that is lived in. */
  async churn(stage: Stage): Promise<Course> {
    const { perSecond, seconds } = stage.load.churn;
    const start = performance.now();
    const sent: Promise<Asked | undefined>[] = [];
    while (sent.length < perSecond * seconds) {
      const due = Math.min(perSecond * seconds, perSecond * secondsSince(start));
      while (sent.length < due) sent.push(change(stage, sent.length));
      await delay(TICK_MS);
    }
    const asked = (await Promise.all(sent)).filter((each) => each !== undefined);
    await stage.tracker.settled(deadlineMs(stage.load));
    const changes = asked.flatMap(({ eventId, askedOn, expectation: { after } }) =>
      after.website === undefined ? [] : [{ eventId, askedOn, seenOn: askedOn + after.website }],
    );
    return { expectations: asked.map(({ expectation }) => expectation), own: {}, changes };
  },

  async delete(stage: Stage): Promise<Course> {
    const { websites } = stage.load;
    const expectations = await inParallel(websites, async (index) => {
      const key = keyOf(stage, 'site', index);
      const expectation = stage.tracker.expect(key, gone());
      await removeWebsite(stage.transport, key);
      return expectation;
    });
    await stage.tracker.settled(deadlineMs(stage.load));
    return { expectations, own: { 'DELETE websites': websites } };
  },
} as const satisfies Record<string, (stage: Stage) => Promise<Course>>;
export type PhaseName = keyof typeof PHASES;

/** Creates as many Websites and deletes them again, so that the measurement does not include the start of a subject. */
export async function warmUp(stage: Stage, websites: number): Promise<void> {
  const key = (index: number) => keyOf(stage, 'warm-up', index);
  await inParallel(websites, (index) => create(stage, key(index)));
  await stage.tracker.settled(deadlineMs(stage.load));
  await inParallel(websites, async (index) => {
    stage.tracker.expect(key(index), gone());
    await removeWebsite(stage.transport, key(index));
  });
  await stage.tracker.settled(deadlineMs(stage.load));
  await delay(TRAILING_MS);
}

const TICK_MS = 5;
/** Of 155 changes, as in the scenario that is published for a Website operator in Go (docs/performance.md). */
const MIX = { of: 155, creates: 12, deletes: 2 };
/** Websites that are made before one of them is deleted. */
const HEAD_START = 100;

/** A change that was asked for. */
interface Asked extends Pick<Change, 'eventId' | 'askedOn'> {
  readonly expectation: Expectation;
}

/** The next change of a churn: a Website that is new, one of those that goes, or another image of one that was there. */
async function change(stage: Stage, index: number): Promise<Asked | undefined> {
  const turn = index % MIX.of;
  const round = Math.floor(index / MIX.of);
  const askedOn = Date.now();
  const spec = SITES[stage.load.site];
  if (turn < MIX.creates) {
    const key = keyOf(stage, 'churn', round * MIX.creates + turn);
    const expectation = stage.tracker.expect(key, made(spec));
    return { expectation, askedOn, eventId: eventIdOf(await createWebsite(stage.transport, key, spec)) };
  }
  if (turn < MIX.creates + MIX.deletes) {
    const oldest = round * MIX.deletes + turn - MIX.creates;
    if (round * MIX.creates > oldest + HEAD_START) await removeWebsite(stage.transport, keyOf(stage, 'churn', oldest));
    return undefined;
  }
  const update = round * (MIX.of - MIX.creates - MIX.deletes) + turn - MIX.creates - MIX.deletes;
  const image = `nginx:2.${Math.floor(update / stage.load.websites)}`;
  const key = keyOf(stage, 'site', update % stage.load.websites);
  const expectation = stage.tracker.expect(key, updated({ ...spec, image }));
  const website = (await patchWebsite(stage.transport, key, { spec: { image } })) as Website;
  return { expectation, askedOn, eventId: eventIdOf(website) };
}

const eventIdOf = ({ metadata: { uid, resourceVersion } }: Website): string => `${uid}.${resourceVersion}`;

async function create({ tracker, transport, load }: Stage, key: WebsiteKey): Promise<Expectation> {
  const spec = SITES[load.site];
  const expectation = tracker.expect(key, made(spec));
  await createWebsite(transport, key, spec);
  return expectation;
}

const keyOf = ({ namespaces }: Stage, prefix: string, index: number): WebsiteKey => ({
  namespace: namespaces[index % namespaces.length] ?? '',
  name: `${prefix}-${index}`,
});

const deploymentOf = ({ namespace, name }: WebsiteKey): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${childName('Deployment', name)}`;
