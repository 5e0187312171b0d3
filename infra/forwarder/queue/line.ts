/**
 * A map that gives its entries away in the order in which they were added. The first entry of a JavaScript map is expensive to find
 * while the map is emptied from the front: the engine steps over the entries that were deleted. The iterator stays behind them, and
 * everything in the map is ahead of it.
 */
class Fifo<Value> {
  readonly #map = new Map<string, Value>();
  #ahead = this.#map.entries();

  get size(): number {
    return this.#map.size;
  }

  get(key: string): Value | undefined {
    return this.#map.get(key);
  }

  set(key: string, value: Value): void {
    this.#map.set(key, value);
  }

  delete(key: string): void {
    this.#map.delete(key);
  }

  shift(): readonly [key: string, value: Value] | undefined {
    let next = this.#ahead.next();
    if (next.done === true) {
      // It had come to the end, so it does not see what was added later.
      this.#ahead = this.#map.entries();
      next = this.#ahead.next();
    }
    if (next.done === true) return undefined;
    this.#map.delete(next.value[0]);
    return next.value;
  }
}

/** A key that waits for its turn. */
export interface Place {
  readonly key: string;
  /** Groups are served in turn, so that a busy group does not delay the others. */
  readonly group: string;
}

/** Keys in line, those of each group in the order in which they were added. */
export class Line<Waiting extends Place = Place> {
  readonly #groups = new Fifo<Fifo<Waiting>>();
  /** How many keys of a group go in a row. */
  readonly #inARow: number;
  /** The group whose turn it is, and how many more of its keys may go in this turn. */
  #turn = { group: '', left: 0 };

  constructor(inARow = 1) {
    this.#inARow = inARow;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  add(waiting: Waiting): void {
    const keys = this.#groups.get(waiting.group) ?? new Fifo<Waiting>();
    keys.set(waiting.key, waiting);
    this.#groups.set(waiting.group, keys);
  }

  delete({ key, group }: Place): void {
    const keys = this.#groups.get(group);
    keys?.delete(key);
    if (keys?.size === 0) this.#groups.delete(group);
  }

  /** @param may whether a key of this group may go now. A group whose keys have to wait goes to the end of the round. */
  take(may: (group: string) => boolean = () => true): Waiting | undefined {
    return this.#takeInTurn(may) ?? this.#takeNext(may);
  }

  #takeInTurn(may: (group: string) => boolean): Waiting | undefined {
    const { group, left } = this.#turn;
    const keys = left > 0 && may(group) ? this.#groups.get(group) : undefined;
    if (keys === undefined) return undefined;
    this.#turn = { group, left: left - 1 };
    const first = keys.shift()?.[1];
    if (keys.size === 0) this.#groups.delete(group);
    return first;
  }

  #takeNext(may: (group: string) => boolean): Waiting | undefined {
    const next = this.#groups.shift();
    if (next === undefined) return undefined;
    const [group, keys] = next;
    const isTurn = may(group);
    if (isTurn) this.#turn = { group, left: this.#inARow - 1 };
    const first = isTurn ? keys.shift()?.[1] : this.#takeNext(may);
    // The group goes to the end of the round.
    if (keys.size > 0) this.#groups.set(group, keys);
    return first;
  }
}
