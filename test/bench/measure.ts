// What every benchmark needs: work in parallel or again and again, observers, requests and patience.
import { Places } from '../../functions/cluster/places.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { watch } from '../../infra/forwarder/watch/watch.ts';
import type { Resource } from '../../infra/forwarder/watch/state.ts';
import type { WatchedObject } from '../../infra/forwarder/watch/observer.ts';

export const IN_FLIGHT = 32;
/** Nothing is scheduled: what is measured is our own work, and not that of the controllers behind it. */
export const SPEC = { image: 'nginx:1.29', replicas: 0 };
/** Of a benchmark, which may wait for a busy machine. */
export const PATIENCE = { deadlineMs: 300_000, everyMs: 5 };

const ASK_MS = 30_000;

/** Progress for the user. The figures go to stdout. */
export const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** Sees every object of a resource as it is now and as it becomes, until the signal. */
export function observe(
  transport: Transport,
  resource: Resource,
  signal: AbortSignal,
  see: (object: WatchedObject, isGone: boolean) => void,
): Promise<void> {
  const seen = (object: WatchedObject) => see(object, false);
  const deleted = (object: WatchedObject) => see(object, true);
  const observer = { listStarted() {}, listed: seen, listEnded() {}, changed: seen, deleted };
  const surroundings = { random: () => 0, wait: async () => {} };
  return watch({ resource, transport, observer, surroundings, places: new Places(1), entered: () => {} }, signal);
}

/** Does a piece of work for each index below the count, `IN_FLIGHT` at a time; the results are in their order. */
export async function inParallel<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const index of indexes) results[index] = await work(index);
    }),
  );
  return results;
}

/** Does a piece of work again and again, one after another. */
export async function repeat<T>(times: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  while (results.length < times) results.push(await work(results.length));
  return results;
}

/** A request to a program under measurement; the body is read, since a connection with one that is not is lost. */
export async function ask(url: URL, method: 'GET' | 'PUT' = 'GET'): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { method, signal: AbortSignal.timeout(ASK_MS) });
  return { status: response.status, text: await response.text() };
}

export const secondsSince = (start: number): number => (performance.now() - start) / 1000;
