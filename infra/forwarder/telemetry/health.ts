import type { State } from '../watch/state.ts';

/** How a program that does nothing for now says what it waits for; it is ready all the same. */
type Standby = string | undefined;

interface Vitals {
  state: State;
  /** Why it cannot get on; gone as soon as the API server gives something again. */
  trouble: string | undefined;
  hasListed: boolean;
  /** When it last got on, in milliseconds of the monotonic clock. */
  progressedAt: number;
  /** When its loop has to have done something: it bounds each wait of its own. */
  dueAt: number;
}

/** What bounds each state is within this: a page has 60 s, and a silent watch 90 s. */
const LONGEST_STATE_MS = 180_000;

/** How the watches fare, for /livez, /readyz and the metrics. */
export class Health {
  readonly #watches = new Map<string, Vitals>();
  readonly #now: () => number;
  #standby: Standby;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Watches that begin, by name, in place of those before. */
  begin(names: readonly string[]): void {
    this.#standby = undefined;
    this.#watches.clear();
    const now = this.#now();
    for (const name of names) {
      const state: State = { name: 'listing', reason: 'start' };
      const dueAt = now + LONGEST_STATE_MS;
      this.#watches.set(name, { state, trouble: undefined, hasListed: false, progressedAt: now, dueAt });
    }
  }

  /** There are no watches, because somebody else has them. */
  standBy(why: string): void {
    this.#watches.clear();
    this.#standby = why;
  }

  entered(name: string, state: State): void {
    const vitals = this.#watches.get(name);
    if (vitals === undefined) return;
    vitals.state = state;
    vitals.dueAt = this.#now() + LONGEST_STATE_MS + (state.name === 'waiting' ? state.delayMs : 0);
    if (state.name === 'waiting') vitals.trouble = state.why;
    if (state.name === 'watching') vitals.hasListed = true;
  }

  progressed(name: string): void {
    const vitals = this.#watches.get(name);
    if (vitals === undefined) return;
    vitals.trouble = undefined;
    vitals.progressedAt = this.#now();
    vitals.dueAt = vitals.progressedAt + LONGEST_STATE_MS;
  }

  /** Why it is not ready, a line each; nothing when every resource was listed and none is in trouble. */
  problems(): string[] {
    return [...this.#watches].flatMap(([name, { trouble, hasListed }]) => {
      if (trouble !== undefined) return [`${name}: ${trouble}`];
      return hasListed ? [] : [`${name}: not listed yet`];
    });
  }

  /** Watches whose loop hangs: no error explains it, and only a new start mends it. */
  stuck(): string[] {
    const now = this.#now();
    return [...this.#watches].filter(([, { dueAt }]) => now > dueAt).map(([name]) => `${name}: its loop hangs`);
  }

  get standby(): Standby {
    return this.#standby;
  }

  /** For the metrics, one a watch. */
  watches(): { readonly name: string; readonly isConnected: boolean; readonly progressAgeSeconds: number }[] {
    const now = this.#now();
    return [...this.#watches].map(([name, { state, trouble, progressedAt }]) => ({
      name,
      isConnected: state.name === 'watching' && trouble === undefined,
      progressAgeSeconds: (now - progressedAt) / 1000,
    }));
  }
}
