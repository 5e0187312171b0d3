/** How many requests a room holds. Each may hold a body of 256 KiB. */
export const ROOM = 64;

/**
 * Holds requests while their callers are checked, or while their bodies arrive. If it is full, it turns away the request that has waited
 * longest. Honest callers need milliseconds. So a caller that never finishes its body cannot keep others out.
 */
export class WaitingRoom {
  readonly #most: number;
  /** One function for each waiting request that turns it away, oldest first. */
  readonly #waiting = new Set<() => void>();

  constructor(most = ROOM) {
    this.#most = most;
  }

  /** @returns the result of the check, or `turned away` if newer requests needed the room. */
  async decide<T>(check: () => Promise<T>): Promise<T | 'turned away'> {
    const decision = check();
    // Most finish immediately: the headers are enough, or the body came with them. They take no room.
    const isDecided = await Promise.race([decision.then(() => true), nextTurn(false)]);
    if (isDecided) return decision;
    const { promise: turnedAway, resolve } = Promise.withResolvers<'turned away'>();
    const leave = () => {
      this.#waiting.delete(leave);
      resolve('turned away');
    };
    const [oldest] = this.#waiting;
    if (this.#waiting.size >= this.#most) oldest?.();
    this.#waiting.add(leave);
    try {
      return await Promise.race([decision, turnedAway]);
    } finally {
      this.#waiting.delete(leave);
    }
  }
}

const nextTurn = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));
