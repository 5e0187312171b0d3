import { Shares } from '../../../functions/cluster/shares.ts';

/** Most of the places that others may hold together: retries, looks and the slow lane. */
const OF_OTHERS = 1 / 2;

/** What holds a place. */
export interface Holder {
  readonly group: string;
  /** Whether it is a change that is tried for the first time. Everything else counts as others. */
  readonly isNewChange: boolean;
}

/**
 * The places for deliveries. A delivery may hang for as long as an admission webhook does, and it keeps its place. So some places stay
 * free: a Website that hangs, or a namespace of them, does not delay the rest.
 */
export class Room {
  readonly #places: number;
  readonly #placesOfOthers: number;
  readonly #all = new Shares();
  readonly #others = new Shares();

  constructor(places: number) {
    this.#places = places;
    this.#placesOfOthers = Math.ceil(places * OF_OTHERS);
  }

  /** Whether a new change of this group may start, if there is a place. At most one group may not. */
  readonly mayStart = (group: string): boolean => !this.#all.isFullOf(group, this.#places);
  /** Whether anything else of this group may start, if others may. At most two groups may not. */
  readonly mayStartOther = (group: string): boolean =>
    this.mayStart(group) && !this.#others.isFullOf(group, this.#placesOfOthers);
  /** Whether anything but a new change may start. */
  get hasRoomForOthers(): boolean {
    return this.#others.held < this.#placesOfOthers;
  }

  take({ group, isNewChange }: Holder): void {
    this.#all.take(group);
    if (!isNewChange) this.#others.take(group);
  }

  give({ group, isNewChange }: Holder): void {
    this.#all.give(group);
    if (!isNewChange) this.#others.give(group);
  }
}
