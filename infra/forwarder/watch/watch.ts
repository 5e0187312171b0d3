import { ClusterError, TOO_LARGE_VERSION, type ErrorCode } from '../../../functions/cluster/errors.ts';
import { delayMs, type Backoff } from '../queue/backoff.ts';
import { follow, InterruptedError } from './follow.ts';
import { InvalidLineError } from './lines.ts';
import { list } from './list.ts';
import type { WatchOptions, State, ListReason } from './state.ts';

const BACKOFF: Backoff = { baseMs: 200, capMs: 30_000 };
/** As many failures in a row, a second or more, are no hiccup: an API server that comes back may be another one. */
const OUTAGE_FAILURES = 4;

/** Lists and watches until the signal aborts. It ends for no other reason, and never throws. */
export async function watch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  let state: State = { name: 'listing', reason: 'start' };
  let failures = 0;
  while (!signal.aborted) {
    options.entered(state);
    try {
      const from = state;
      state = await enter(state, options, signal);
      // Only a watch that worked shows that all is well: a list may succeed for ever before one that does not.
      if (from.name === 'watching' && state.name === 'watching' && state.emptyCloses === 0) failures = 0;
    } catch (error) {
      if (error instanceof InterruptedError && error.hadWorked) failures = 0;
      failures++;
      const delay = delayMs(BACKOFF, failures, options.surroundings.random(), retryAfter(error));
      const why = error instanceof Error ? error.message : String(error);
      state = { name: 'waiting', delayMs: delay, why, next: resumption(state, error, failures) };
    }
  }
}

async function enter(state: State, options: WatchOptions, signal: AbortSignal): Promise<State> {
  switch (state.name) {
    case 'listing':
      return { name: 'watching', resourceVersion: await list(options, signal), emptyCloses: 0 };
    case 'watching':
      return follow(state, options, signal);
    case 'waiting':
      await options.surroundings.wait(state.delayMs, signal);
      return state.next;
  }
}

const retryAfter = (error: unknown): number | undefined =>
  error instanceof ClusterError || error instanceof InterruptedError ? error.retryAfterSeconds : undefined;

/** Where to go when the wait is over. */
function resumption(state: State, error: unknown, failures: number): State {
  if (error instanceof InterruptedError) return error.next;
  // A list that failed is void, and goes on for the reason it had.
  if (state.name !== 'watching') return state;
  const reason = listReason(error, failures);
  return reason === undefined ? { ...state, emptyCloses: 0 } : { name: 'listing', reason };
}

/** It may be the same API server that comes back, at the version that it had. */
const AWAY: ReadonlySet<ErrorCode> = new Set(['Unreachable', 'Unavailable', 'Timeout']);

/** Nothing where the error says nothing against going on from the last version. */
function listReason(error: unknown, failures: number): ListReason | undefined {
  if (error instanceof InvalidLineError) return 'unreadable';
  if (!(error instanceof ClusterError)) return 'refused';
  if (error.code === 'TooManyRequests') return undefined;
  // A version that it has not come to yet, one from before a restore, is answered with a time-out of its own.
  if (error.code === 'Timeout' && error.message.includes(TOO_LARGE_VERSION)) return 'outage';
  // Any other time-out says that the API server is short of time, and a list would take more of it.
  if (AWAY.has(error.code)) return failures < OUTAGE_FAILURES ? undefined : 'outage';
  return error.code === 'Gone' ? 'expired' : 'refused';
}
