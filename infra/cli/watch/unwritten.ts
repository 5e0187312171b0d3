// Which Websites have a status that the functions cannot write, by the Events of the functions.
import { isOlder } from '../../../functions/cluster/resource-version.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { isCurrent } from '../list.ts';
import type { StoredEvent } from '../stored-events.ts';

export type Changed = (website: Website, isUnwritten: boolean) => void;

/** Puts Websites and Events together, whichever comes first. */
export class Unwritten {
  /** The newest version of each Website, by uid, whose status could not be written. */
  readonly #versions = new Map<string, string>();
  /** Those whose status is not about the newest spec, by uid. */
  readonly #waiting = new Map<string, Website>();
  readonly #changed: Changed;

  constructor(changed: Changed) {
    this.#changed = changed;
  }

  see(website: Website): void {
    const { uid } = website.metadata;
    if (isCurrent(website)) this.#waiting.delete(uid);
    else this.#waiting.set(uid, website);
    this.#changed(website, this.#is(website));
  }

  forget(uid: string): void {
    this.#versions.delete(uid);
    this.#waiting.delete(uid);
  }

  take({ involvedObject: { uid = '', resourceVersion = '' } }: StoredEvent): void {
    const known = this.#versions.get(uid);
    if (known !== undefined && !isOlder(known, resourceVersion)) return;
    this.#versions.set(uid, resourceVersion);
    const website = this.#waiting.get(uid);
    if (website !== undefined && this.#is(website)) this.#changed(website, true);
  }

  /** Each write leads to another version, so a Website of this one has got no status since. */
  #is({ metadata: { uid, resourceVersion } }: Website): boolean {
    return this.#versions.get(uid) === resourceVersion;
  }
}
