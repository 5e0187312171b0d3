// What a subject is put through. Each phase asks the cluster for something, and waits until it is there.
import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from '../../functions/cluster/transport.ts';
import { CHILD_APIS, childName } from '../../functions/website/children.ts';
import { apiPath, API_VERSION, PLURAL, type WebsiteKey } from '../../functions/website/resource.ts';
import { createWebsite, patch, patchWebsite, remove, removeWebsite } from '../real-cluster.ts';
import { inParallel, secondsSince } from './measure.ts';
import type { Requests } from './requests.ts';
import type { Running } from './subjects.ts';
import { gone, made, madeAgain, scaledBack, updated, type Expectation, type Tracker } from './tracker.ts';

/** How much is asked for. */
export interface Load {
  readonly websites: number;
  /** One at a time. */
  readonly singles: number;
  /** Deployments that are scaled by hand, and as many that are deleted. */
  readonly drifts: number;
  readonly idleSeconds: number;
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
  /** Further figures, by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

const SPEC = { image: 'nginx:1.29', replicas: 2 };
const NEXT = { ...SPEC, image: 'nginx:1.30' };
const WRONG_REPLICAS = SPEC.replicas + 5;
/** Whoever has not done it by then never will. */
const DEADLINE_MS = 300_000;
const REPAIR_DEADLINE_MS = 20_000;
/** What trails behind a phase counts for it, and not for the next. */
export const TRAILING_MS = 2_000;

/** Every phase, in the order in which they make sense. */
export const PHASES = {
  async create(stage: Stage): Promise<Course> {
    const { websites } = stage.load;
    const expectations = await inParallel(websites, (index) => create(stage, keyOf(stage, 'site', index)));
    await stage.tracker.settled(DEADLINE_MS);
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
      const expectation = stage.tracker.expect(key, updated(NEXT));
      await patchWebsite(stage.transport, key, { spec: { image: NEXT.image } });
      return expectation;
    });
    await stage.tracker.settled(DEADLINE_MS);
    return { expectations, own: { 'PATCH websites': websites } };
  },

  async drift(stage: Stage): Promise<Course> {
    const { drifts } = stage.load;
    const expectations = await inParallel(2 * drifts, async (index) => {
      const key = keyOf(stage, 'site', index);
      const path = deploymentOf(key);
      const isEdit = index < drifts;
      const repaired = isEdit ? scaledBack(WRONG_REPLICAS, SPEC.replicas) : madeAgain();
      const expectation = stage.tracker.expect(key, repaired);
      if (isEdit) await patch(stage.transport, path, { spec: { replicas: WRONG_REPLICAS } });
      else await remove(stage.transport, path);
      return expectation;
    });
    await stage.tracker.settled(REPAIR_DEADLINE_MS);
    return { expectations, own: { 'PATCH deployments': drifts, 'DELETE deployments': drifts } };
  },

  /** Nothing has changed: what looking at all of them takes, beside the lists that nobody can do without. */
  async resync({ transport, running: { resync } }: Stage): Promise<Course> {
    if (resync === undefined) return { expectations: [], own: {} };
    const listed = performance.now();
    const requests = await listAll(transport);
    const listSeconds = secondsSince(listed);
    const start = performance.now();
    const response = await fetch(resync, { method: 'POST' });
    const seconds = secondsSince(start);
    if (!response.ok) throw new Error(`The resync answered ${response.status}: ${await response.text()}`);
    const figures = {
      'resync, s': seconds,
      'bare lists, s': listSeconds,
      'resync / bare lists': seconds / listSeconds,
    };
    return { expectations: [], own: requests, figures };
  },

  async idle({ load: { idleSeconds } }: Stage): Promise<Course> {
    await delay(idleSeconds * 1000);
    return { expectations: [], own: {} };
  },

  async delete(stage: Stage): Promise<Course> {
    const { websites } = stage.load;
    const expectations = await inParallel(websites, async (index) => {
      const key = keyOf(stage, 'site', index);
      const expectation = stage.tracker.expect(key, gone());
      await removeWebsite(stage.transport, key);
      return expectation;
    });
    await stage.tracker.settled(DEADLINE_MS);
    return { expectations, own: { 'DELETE websites': websites } };
  },
} as const satisfies Record<string, (stage: Stage) => Promise<Course>>;
export type PhaseName = keyof typeof PHASES;

/** Makes as many Websites and deletes them again, so that nobody is measured while it starts. */
export async function warmUp(stage: Stage, websites: number): Promise<void> {
  const key = (index: number) => keyOf(stage, 'warm-up', index);
  await inParallel(websites, (index) => create(stage, key(index)));
  await stage.tracker.settled(DEADLINE_MS);
  await inParallel(websites, async (index) => {
    stage.tracker.expect(key(index), gone());
    await removeWebsite(stage.transport, key(index));
  });
  await stage.tracker.settled(DEADLINE_MS);
  await delay(TRAILING_MS);
}

async function create({ tracker, transport }: Stage, key: WebsiteKey): Promise<Expectation> {
  const expectation = tracker.expect(key, made(SPEC));
  await createWebsite(transport, key, SPEC);
  return expectation;
}

const keyOf = ({ namespaces }: Stage, prefix: string, index: number): WebsiteKey => ({
  namespace: namespaces[index % namespaces.length] ?? '',
  name: `${prefix}-${index}`,
});

const deploymentOf = ({ namespace, name }: WebsiteKey): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${childName('Deployment', name)}`;

const PAGE = 500;

/** Lists Websites and children in pages, as a resync does, and throws them away; the requests that it took. */
async function listAll(transport: Transport): Promise<Requests> {
  const requests: Record<string, number> = {};
  for (const { apiVersion, plural } of [{ apiVersion: API_VERSION, plural: PLURAL }, ...Object.values(CHILD_APIS)]) {
    let next: string | undefined = '';
    while (next !== undefined) {
      const query: string = new URLSearchParams({
        limit: String(PAGE),
        ...(next === '' ? {} : { continue: next }),
      }).toString();
      const path = `${apiPath(apiVersion)}/${plural}?${query}`;
      const page = (await transport.json({ method: 'GET', path, what: `list ${plural}`, timeoutMs: 60_000 })) as {
        metadata: { continue?: string };
      };
      requests[`LIST ${plural}`] = (requests[`LIST ${plural}`] ?? 0) + 1;
      next = page.metadata.continue === '' ? undefined : page.metadata.continue;
    }
  }
  return requests;
}
