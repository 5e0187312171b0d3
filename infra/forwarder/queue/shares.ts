/** Most of the places that one group may hold. */
const OF_GROUP = 3 / 4;
/** Most of the places that retries, looks and the slow lane may hold together. */
const OF_OTHERS = 1 / 2;

/** What holds a place. */
export interface Holder {
  readonly group: string;
  /** Whether it is tried for the first time, and in the fast lane. */
  readonly isNewChange: boolean;
}

/**
 * Who holds the places for deliveries. A delivery may hang for as long as an admission webhook does, and it keeps its place. So some
 * places stay free for others: a Website that hangs, or a namespace of them, does not delay the changes of the rest.
 */
export class Shares {
  readonly #mostOfGroup: number;
  readonly #mostOfOthers: number;
  readonly #groups = new Map<string, number>();
  #others = 0;
  #full: string | undefined;

  constructor(places: number) {
    this.#mostOfGroup = Math.ceil(places * OF_GROUP);
    this.#mostOfOthers = Math.ceil(places * OF_OTHERS);
  }

  /** The group that holds as many places as it may. There is only one. */
  get full(): string | undefined {
    return this.#full;
  }

  /** Whether anything but a new change may start. */
  get hasRoomForOthers(): boolean {
    return this.#others < this.#mostOfOthers;
  }

  take({ group, isNewChange }: Holder): void {
    const count = (this.#groups.get(group) ?? 0) + 1;
    this.#groups.set(group, count);
    if (count >= this.#mostOfGroup) this.#full = group;
    if (!isNewChange) this.#others++;
  }

  give({ group, isNewChange }: Holder): void {
    const count = (this.#groups.get(group) ?? 0) - 1;
    if (count > 0) this.#groups.set(group, count);
    else this.#groups.delete(group);
    if (this.#full === group && count < this.#mostOfGroup) this.#full = undefined;
    if (!isNewChange) this.#others--;
  }
}
