import { setTimeout as delay } from 'node:timers/promises';
import type { Website } from '../../functions/website/resource.ts';
import { createWebsite, patchWebsite, removeWebsite } from '../real-cluster.ts';
import { upTo, type Random } from './random.ts';
import type { Stage } from './stage.ts';

/** What was done to one Website. */
export interface Life {
  readonly name: string;
  readonly uid: string;
  /** After the last change that matters. */
  version: number;
  isDeleted: boolean;
}

export interface LoadOptions {
  readonly stage: Stage;
  readonly random: Random;
  readonly tell: (line: string) => void;
}

/** What users do to Websites by chance: they create, change and delete them. */
export class Load {
  /** Of every Website that there was, by uid. */
  readonly lives = new Map<string, Life>();
  readonly #living = new Map<string, Life>();
  readonly #options: LoadOptions;
  #changes = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Changes one Website after the other for some time, and lets something else happen now and then. */
  async run(seconds: number, names: readonly string[], nowAndThen: () => void): Promise<void> {
    const { random } = this.#options;
    const deadline = performance.now() + seconds * 1000;
    while (performance.now() < deadline) {
      await this.change(names[upTo(random, names.length)] ?? '', 0.15);
      if (random() < 0.04) nowAndThen();
      // The pace of the users.
      await delay(50 * random());
    }
  }

  /** Creates the Website if it is not there; deletes it, as likely as is said, or changes it. */
  async change(name: string, deleting: number): Promise<void> {
    const { stage, random, tell } = this.#options;
    const choice = random();
    // Never the previous value: an update without a change has no version of its own.
    const replicas = ++this.#changes % 1_000;
    const key = stage.key(name);
    const life = this.#living.get(name);
    if (life === undefined) {
      const { uid, resourceVersion } = (await createWebsite(stage.admin, key, { image: 'nginx:1', replicas })).metadata;
      const born = { name, uid, version: Number(resourceVersion), isDeleted: false };
      this.lives.set(uid, born);
      this.#living.set(name, born);
      tell(`created ${name} ${uid} as ${resourceVersion}`);
    } else if (choice < deleting) {
      await removeWebsite(stage.admin, key);
      life.isDeleted = true;
      this.#living.delete(name);
      tell(`deleted ${name} ${life.uid}`);
    } else {
      const body = choice < 0.6 ? { spec: { replicas } } : { metadata: { labels: { value: String(replicas) } } };
      const { metadata } = (await patchWebsite(stage.admin, key, body)) as Website;
      life.version = Number(metadata.resourceVersion);
      tell(`changed ${name} ${life.uid} to ${metadata.resourceVersion}: ${JSON.stringify(body)}`);
    }
  }
}
