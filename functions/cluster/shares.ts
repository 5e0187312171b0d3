/** Most of the places that one group may hold. */
const OF_GROUP = 3 / 4;

/**
 * Who holds the places of something that is limited, by group: a group is a namespace. A write may hang for as long as an admission
 * webhook does, and it keeps its place. So a quarter stays free for others: a namespace whose writes hang does not delay the rest.
 */
export class Shares {
  readonly #groups = new Map<string, number>();
  #held = 0;

  /** How many places are held. */
  get held(): number {
    return this.#held;
  }

  /** Whether this group has its share of so many places. At most one group can have it. */
  isFullOf(group: string, places: number): boolean {
    return (this.#groups.get(group) ?? 0) >= Math.ceil(places * OF_GROUP);
  }

  take(group: string): void {
    this.#add(group, 1);
  }

  give(group: string): void {
    this.#add(group, -1);
  }

  #add(group: string, count: 1 | -1): void {
    const held = (this.#groups.get(group) ?? 0) + count;
    if (held === 0) this.#groups.delete(group);
    else this.#groups.set(group, held);
    this.#held += count;
  }
}
