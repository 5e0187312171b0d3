import { setTimeout as delay } from 'node:timers/promises';

/** Writes credentials, and returns when they expire. */
export type Renewal = () => Promise<Date>;

export interface RenewalOptions {
  /** Called when credentials could not be renewed. They are tried again. */
  readonly onTrouble: (error: unknown) => void;
  /** The shortest time between two renewals. It bounds the requests while the API server refuses new tokens too. */
  readonly againMs?: number;
}

/** Credentials are renewed after this part of their lifetime. */
const PART = 0.8;
const AGAIN_MS = 5_000;
/** Timers of Node count at most 2^31 ms. */
const LONGEST_MS = 24 * 60 * 60 * 1000;

/** Renews credentials long before they expire, and when the API server refuses them. */
export class Renewals {
  readonly #renewals: Renewal[] = [];
  readonly #onTrouble: RenewalOptions['onTrouble'];
  readonly #againMs: number;
  readonly #stopped = new AbortController();
  #renewAt = Infinity;
  #wake = new AbortController();

  constructor({ onTrouble, againMs = AGAIN_MS }: RenewalOptions) {
    this.#onTrouble = onTrouble;
    this.#againMs = againMs;
    this.#keepRenewing().catch(onTrouble);
  }

  /** Writes credentials now, and keeps them fresh. @throws if that fails now. */
  async add(renewal: Renewal): Promise<void> {
    this.#schedule(await renewal());
    this.#renewals.push(renewal);
  }

  /** Renews everything soon, because some credentials were refused. */
  refused(): void {
    this.#renewAt = 0;
    this.#wake.abort();
  }

  stop(): void {
    this.#stopped.abort();
    this.#wake.abort();
  }

  #schedule(expires: Date): void {
    this.#renewAt = Math.min(this.#renewAt, Date.now() + (expires.getTime() - Date.now()) * PART);
    this.#wake.abort();
  }

  async #keepRenewing(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const waitMs = Math.min(this.#renewAt - Date.now(), LONGEST_MS);
      if (waitMs > 0) {
        this.#wake = new AbortController();
        await delay(waitMs, undefined, { signal: this.#wake.signal, ref: false }).catch(() => {});
      } else {
        await this.#renewAll();
        await delay(this.#againMs, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => {});
      }
    }
  }

  async #renewAll(): Promise<void> {
    this.#renewAt = Infinity;
    for (const renewal of this.#renewals) {
      try {
        this.#schedule(await renewal());
      } catch (error) {
        this.#onTrouble(error);
        this.#renewAt = 0;
      }
    }
  }
}
