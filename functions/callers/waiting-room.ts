/** Requests whose caller is not known yet. Each may hold a body of 256 KiB. */
const MOST = 64;

/**
 * Where requests wait until it is known whether they may come in. When it is full, the one that has waited longest makes room:
 * a caller who may come in is let in within milliseconds, and one who holds back a body can keep no other out.
 */
export class WaitingRoom {
  /** What turns each of them away, the oldest first. */
  readonly #waiting = new Set<() => void>();

  /** @returns what the work decides, or that there was no more room to wait for it. */
  async decide<T>(work: () => Promise<T>): Promise<T | 'turned away'> {
    const decision = work();
    // Most are decided at once, from what has come already: they take nobody's room.
    const isDecided = await Promise.race([decision.then(() => true), nextTurn(false)]);
    if (isDecided) return decision;
    const { promise: turnedAway, resolve } = Promise.withResolvers<'turned away'>();
    const leave = () => {
      this.#waiting.delete(leave);
      resolve('turned away');
    };
    const [oldest] = this.#waiting;
    if (this.#waiting.size >= MOST) oldest?.();
    this.#waiting.add(leave);
    try {
      return await Promise.race([decision, turnedAway]);
    } finally {
      this.#waiting.delete(leave);
    }
  }
}

const nextTurn = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));
