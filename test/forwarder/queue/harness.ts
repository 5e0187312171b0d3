// A work queue under the control of a test.
import { expect } from 'vitest';
import type { Rate } from '../../../functions/bucket.ts';
import type { Lane } from '../../../infra/forwarder/queue/lanes.ts';
import { WorkQueue, type Result, type Timers } from '../../../infra/forwarder/queue/queue.ts';

interface Timer {
  readonly id: number;
  readonly at: number;
  readonly work: () => void;
}

/** Time passes only when the test advances it. */
export class Clock implements Timers {
  #now = 0;
  #timers = new Map<number, Timer>();
  #next = 0;
  now = () => this.#now;
  after = (ms: number, work: () => void) => {
    const id = this.#next++;
    this.#timers.set(id, { id, at: this.#now + ms, work });
    return () => void this.#timers.delete(id);
  };
  get isEmpty() {
    return this.#timers.size === 0;
  }
  /** Advances to the next timer. */
  advance() {
    const first = this.#first();
    if (first === undefined) return;
    const { id, at, work } = first;
    this.#timers.delete(id);
    this.#now = Math.max(this.#now, at);
    work();
  }
  /** Advances by this time, and runs every timer that is due. */
  pass(ms: number) {
    const end = this.#now + ms;
    while ((this.#first()?.at ?? Infinity) <= end) this.advance();
    this.#now = end;
  }
  #first() {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) if (first === undefined || timer.at < first.at) first = timer;
    return first;
  }
}

export interface Job {
  readonly key: string;
  readonly version: number;
}
export const job = (key: string, version: number, group = 'a', lane: Lane = 'fast') => ({
  key,
  group,
  lane,
  item: { key, version },
});
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A queue whose work ends when the test says so. */
export function harness(parallel = 2, random = 0.5, looks?: Rate) {
  const clock = new Clock();
  const started: Job[] = [];
  const waitedMs: number[] = [];
  const running = new Map<string, (result: Result<Job>) => void>();
  /** The number of the last delivery of each key. */
  const attempts = new Map<string, number>();
  const queue = new WorkQueue<Job>({
    parallel,
    random: () => random,
    timers: clock,
    ...(looks === undefined ? {} : { looks }),
    handle: (item, attempt, waited) => {
      attempts.set(item.key, attempt);
      expect(running.has(item.key), `two deliveries of ${item.key} at once`).toBe(false);
      started.push(item);
      waitedMs.push(waited);
      return new Promise((resolve) => running.set(item.key, resolve));
    },
  });
  const end = async (key: string, result: Result<Job> = { kind: 'done' }) => {
    const resolve = running.get(key);
    running.delete(key);
    resolve?.(result);
    await settled();
  };
  return { clock, queue, started, waitedMs, running, attempts, end };
}
