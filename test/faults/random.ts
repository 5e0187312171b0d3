import type { Asked, Fault } from './fault.ts';

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const upTo = (random: Random, bound: number): number => Math.floor(random() * bound);

export function oneOf<T>(random: Random, all: readonly [T, ...T[]]): T {
  return all[upTo(random, all.length)] ?? all[0];
}

/** Creates a new fault each time, because some faults have state. */
export type Maker = (random: Random) => Fault;
/** The faults that may befall a request. */
export type Menu = (asked: Asked) => readonly [Maker, ...Maker[]];

export interface RandomOptions {
  readonly seed: number;
  readonly menu: Menu;
  /** Share of the requests that something goes wrong with. */
  readonly share: number;
  /** Gets one line for each injected fault. */
  readonly tell: (line: string) => void;
}

/** Chooses a fault for some of the requests, by the seed and the order in which they come. */
export function randomFaults({ seed, menu, share, tell }: RandomOptions): (asked: Asked) => Fault | undefined {
  const random = randomFrom(seed);
  return (asked) => {
    // As many numbers for each request, so that one more choice in the menu does not move all that follows.
    const [isHit, choice, detail] = [random() < share, random(), random()];
    if (!isHit) return undefined;
    const makers = menu(asked);
    const fault = oneOf(() => choice, makers)(randomFrom(detail * 2 ** 32));
    tell(`${asked.method} ${asked.url}: ${inWords(fault)}`);
    return fault;
  };
}

const inWords = (fault: Fault): string =>
  JSON.stringify(fault, (_, value: unknown) => (typeof value === 'function' ? 'changed' : value));
