import { setTimeout as delay } from 'node:timers/promises';
import type { Website } from '../../functions/website/resource.ts';
import { createWebsite, patchWebsite, removeWebsite } from '../real-cluster.ts';
import { randomFrom, upTo } from './random.ts';
import type { Stage } from './stage.ts';

/** What was done to one Website, by uid. */
export interface Life {
  readonly name: string;
  readonly uid: string;
  /** After the last change that matters. */
  version: number;
  /** When its deletion was asked for, in milliseconds. */
  deletedAt?: number;
}

export interface LoadOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly names: number;
  readonly tell: (line: string) => void;
  /** What else happens now and then. */
  readonly nowAndThen: () => void;
}

/** Users change a Website about this often. */
const EVERY_MS = 25;
const NOW_AND_THEN = 0.04;

/** Creates, changes and deletes Websites by the seed. @returns what became of each. */
export async function load(
  stage: Stage,
  { seed, seconds, names, tell, nowAndThen }: LoadOptions,
): Promise<Map<string, Life>> {
  const random = randomFrom(seed);
  const lives = new Map<string, Life>();
  const living = new Map<string, Life>();
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const name = `site-${upTo(random, names)}`;
    const [choice, value] = [random(), upTo(random, 1_000)];
    const life = living.get(name);
    if (life === undefined) {
      const { uid, resourceVersion } = (await create(stage, name, value)).metadata;
      const born = { name, uid, version: Number(resourceVersion) };
      lives.set(uid, born);
      living.set(name, born);
      tell(`created ${name} ${uid} as ${resourceVersion}`);
    } else if (choice < 0.15) {
      await removeWebsite(stage.admin, stage.key(name));
      life.deletedAt = performance.now();
      living.delete(name);
      tell(`deleted ${name} ${life.uid}`);
    } else {
      const change = choice < 0.6 ? { spec: { replicas: value } } : { metadata: { labels: { value: String(value) } } };
      const { metadata } = (await patchWebsite(stage.admin, stage.key(name), change)) as Website;
      life.version = Number(metadata.resourceVersion);
      tell(`changed ${name} ${life.uid} to ${metadata.resourceVersion}: ${JSON.stringify(change)}`);
    }
    if (random() < NOW_AND_THEN) nowAndThen();
    await delay(EVERY_MS * 2 * random());
  }
  return lives;
}

const create = (stage: Stage, name: string, replicas: number): Promise<Website> =>
  createWebsite(stage.admin, stage.key(name), { image: 'nginx:1', replicas });
