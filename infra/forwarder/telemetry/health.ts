import type { State } from '../watch/state.ts';

/** Why this replica stands by. `/readyz` stays 200. */
type Standby = string | undefined;

interface WatchHealth {
  state: State;
  /** Why the watch makes no progress. Cleared as soon as the API server sends something. */
  problem: string | undefined;
  hasListed: boolean;
  /** Whether the cluster lacks the API. That is no problem. */
  isAbsent: boolean;
  /** Time of the last progress, in milliseconds of the monotonic clock. */
  progressedAt: number;
  /** Deadline: with no progress by then, `/livez` fails. */
  dueAt: number;
}

/** Longer than any timeout within a state: a page may take 60 s, and a watch may be silent for 90 s. */
const LONGEST_STATE_MS = 180_000;

/** The health of all watches, for /livez, /readyz and the metrics. */
export class Health {
  readonly #watches = new Map<string, WatchHealth>();
  readonly #now: () => number;
  #standby: Standby;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Starts to track these watches, and forgets the previous ones. */
  begin(names: readonly string[]): void {
    this.#standby = undefined;
    this.#watches.clear();
    const now = this.#now();
    for (const name of names) {
      const state: State = { name: 'listing', reason: 'start' };
      const dueAt = now + LONGEST_STATE_MS;
      this.#watches.set(name, {
        state,
        problem: undefined,
        hasListed: false,
        isAbsent: false,
        progressedAt: now,
        dueAt,
      });
    }
  }

  /** Tracks no watches while another replica is leading. */
  standBy(why: string): void {
    this.#watches.clear();
    this.#standby = why;
  }

  entered(name: string, state: State): void {
    const watch = this.#watches.get(name);
    if (watch === undefined) return;
    watch.state = state;
    if (state.name === 'absent') this.progressed(name);
    watch.dueAt = this.#now() + LONGEST_STATE_MS + ('delayMs' in state ? state.delayMs : 0);
    if (state.name === 'waiting') watch.problem = state.why;
    if (state.name === 'watching' || state.name === 'absent') watch.hasListed = true;
    if (state.name !== 'listing') watch.isAbsent = state.name === 'absent';
  }

  progressed(name: string): void {
    const watch = this.#watches.get(name);
    if (watch === undefined) return;
    watch.problem = undefined;
    watch.progressedAt = this.#now();
    watch.dueAt = watch.progressedAt + LONGEST_STATE_MS;
  }

  /** One line for each reason why the forwarder is not ready. A resource whose API is absent is no reason. */
  problems(): string[] {
    return [...this.#watches].flatMap(([name, { problem, hasListed }]) => {
      if (problem !== undefined) return [`${name}: ${problem}`];
      return hasListed ? [] : [`${name}: not listed yet`];
    });
  }

  /** Watches whose loop has stopped without an error. Only a restart helps, so /livez fails. */
  stuck(): string[] {
    const now = this.#now();
    return [...this.#watches]
      .filter(([, { dueAt }]) => now > dueAt)
      .map(([name]) => `${name}: the watch loop is stuck`);
  }

  get standby(): Standby {
    return this.#standby;
  }

  /** One entry per watch, for the metrics. */
  watches(): {
    readonly name: string;
    readonly isAbsent: boolean;
    readonly isConnected: boolean;
    readonly progressAgeSeconds: number;
  }[] {
    const now = this.#now();
    return [...this.#watches].map(([name, { state, problem, isAbsent, progressedAt }]) => ({
      name,
      isAbsent,
      isConnected: state.name === 'watching' && problem === undefined,
      progressAgeSeconds: (now - progressedAt) / 1000,
    }));
  }
}
