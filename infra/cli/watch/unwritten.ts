// Which Websites have a status that the functions cannot write, by the Events of the functions.
import { isOlder } from '../../../functions/cluster/resource-version.ts';
import type { Website } from '../../../functions/website/resource.ts';
import type { Observer } from '../../forwarder/watch/observer.ts';
import { isCurrent } from '../list.ts';
import type { StoredEvent } from '../stored-events.ts';

export type Changed = (website: Website, isUnwritten: boolean) => void;

/** What the newest Event says of a Website. */
interface Said {
  /** The version of the Website whose status could not be written. */
  readonly version: string;
  readonly event: { readonly name: string; readonly resourceVersion: string };
}

/**
 * Puts Websites and Events together, whichever comes first. It remembers an Event as long as the API server has it, because a Website may
 * be deleted before its Event comes.
 */
export class Unwritten {
  /** By the uid of the Website. */
  readonly #said = new Map<string, Said>();
  /** Those whose status is not about the newest spec, by uid. */
  readonly #waiting = new Map<string, Website>();
  readonly #changed: Changed;
  #listed = new Set<string>();

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
    this.#said.delete(uid);
    this.#waiting.delete(uid);
  }

  /** The Events, for a watch of them. */
  readonly events: Observer = {
    listStarted: () => {
      this.#listed = new Set();
    },
    listed: (object) => {
      const event = object as object as StoredEvent;
      this.#listed.add(uidOf(event));
      this.#take(event);
    },
    listEnded: () => {
      for (const uid of this.#said.keys()) if (!this.#listed.has(uid)) this.#drop(uid);
    },
    changed: (object) => this.#take(object as object as StoredEvent),
    deleted: (object) => {
      const event = object as object as StoredEvent;
      if (this.#said.get(uidOf(event))?.event.name === event.metadata.name) this.#drop(uidOf(event));
    },
  };

  #take(event: StoredEvent): void {
    const uid = uidOf(event);
    const said = saidBy(event);
    const known = this.#said.get(uid);
    if (known !== undefined && isOlderThan(said, known)) return;
    this.#said.set(uid, said);
    const website = known?.version === said.version ? undefined : this.#waiting.get(uid);
    if (website !== undefined && this.#is(website)) this.#changed(website, true);
  }

  #drop(uid: string): void {
    const website = this.#waiting.get(uid);
    const wasUnwritten = website !== undefined && this.#is(website);
    this.#said.delete(uid);
    if (wasUnwritten) this.#changed(website, false);
  }

  /** Each write leads to another version, so a Website of this one has got no status since. */
  #is({ metadata: { uid, resourceVersion } }: Website): boolean {
    return this.#said.get(uid)?.version === resourceVersion;
  }
}

const uidOf = ({ involvedObject: { uid = '' } }: StoredEvent): string => uid;

const saidBy = ({ involvedObject, metadata: { name = '', resourceVersion = '' } }: StoredEvent): Said => ({
  version: involvedObject.resourceVersion ?? '',
  event: { name, resourceVersion },
});

/** Of two Events that say the same, the API server keeps the newer one longer. */
const isOlderThan = (said: Said, than: Said): boolean =>
  said.version === than.version
    ? isOlder(said.event.resourceVersion, than.event.resourceVersion)
    : isOlder(said.version, than.version);
