/** Most that one group may hold of all places, and of those for others. */
const OF_GROUP = 3 / 4;
/** Most of the places that others may hold together: retries, looks and the slow lane. */
const OF_OTHERS = 1 / 2;

/** What holds a place. */
export interface Holder {
  readonly group: string;
  /** Whether it is in the fast lane, and tried for the first time. Everything else counts as others. */
  readonly isNewChange: boolean;
}

/**
 * Who holds the places for deliveries. A delivery may hang for as long as an admission webhook does, and it keeps its place. So some
 * places stay free: a Website that hangs, or a namespace of them, does not delay the rest.
 */
export class Shares {
  readonly #all: Count;
  readonly #others: Count;

  constructor(places: number) {
    this.#all = new Count(places);
    this.#others = new Count(Math.ceil(places * OF_OTHERS));
  }

  /** Whether a new change of this group may start, if there is a place. At most one group may not. */
  readonly mayStart = (group: string): boolean => !this.#all.isFullOf(group);
  /** Whether anything else of this group may start, if others may. At most two groups may not. */
  readonly mayStartOther = (group: string): boolean => !this.#all.isFullOf(group) && !this.#others.isFullOf(group);
  /** Whether anything but a new change may start. */
  get hasRoomForOthers(): boolean {
    return this.#others.hasRoom;
  }

  take({ group, isNewChange }: Holder): void {
    this.#all.add(group, 1);
    if (!isNewChange) this.#others.add(group, 1);
  }

  give({ group, isNewChange }: Holder): void {
    this.#all.add(group, -1);
    if (!isNewChange) this.#others.add(group, -1);
  }
}

/** The places that are held, by group. */
class Count {
  readonly #most: number;
  readonly #mostOfGroup: number;
  readonly #groups = new Map<string, number>();
  #held = 0;

  constructor(most: number) {
    this.#most = most;
    this.#mostOfGroup = Math.ceil(most * OF_GROUP);
  }

  get hasRoom(): boolean {
    return this.#held < this.#most;
  }

  isFullOf(group: string): boolean {
    return (this.#groups.get(group) ?? 0) >= this.#mostOfGroup;
  }

  add(group: string, count: 1 | -1): void {
    const held = (this.#groups.get(group) ?? 0) + count;
    if (held === 0) this.#groups.delete(group);
    else this.#groups.set(group, held);
    this.#held += count;
  }
}
