// What a subject is put through. Each phase asks the cluster for something, and waits until it is there.
import { setTimeout as delay } from 'node:timers/promises';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { measureResync } from './lists.ts';
import { createWebsite, patch, patchWebsite, remove, removeWebsite } from '../real-cluster.ts';
import { churn } from './churn.ts';
import { inParallel } from './measure.ts';
import { rollOut, rollOutRequests } from './rollouts.ts';
import { gone, made, madeAgain, ready, scaledBack, updated, type Expectation } from './tracker.ts';
import { deadlineMs, keyOf, SITES, type Course, type Load, type Stage } from './load.ts';
import { childName } from '../../functions/website/children/metadata.ts';

const NEXT_IMAGE = 'nginx:1.30';
const wrongReplicas = ({ site }: Load): number => SITES[site].replicas + 5;
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

  churn,

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

async function create({ tracker, transport, load }: Stage, key: WebsiteKey): Promise<Expectation> {
  const spec = SITES[load.site];
  const expectation = tracker.expect(key, made(spec));
  await createWebsite(transport, key, spec);
  return expectation;
}

const deploymentOf = ({ namespace, name }: WebsiteKey): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${childName('Deployment', name)}`;
