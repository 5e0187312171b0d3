import { messageOf } from '../../../functions/cluster/causes.ts';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import { TOO_LARGE_VERSION } from '../../../functions/cluster/refusals.ts';
import { delayMs, type Backoff } from '../queue/backoff.ts';
import { follow, InterruptedError } from './follow.ts';
import { InvalidLineError } from './lines.ts';
import { list } from './list.ts';
import type { WatchOptions, State, ListReason } from './state.ts';

const BACKOFF: Backoff = { baseMs: 200, capMs: 30_000 };
/** How often to look whether a missing API is installed. */
const ABSENT_MS = { least: 30_000, most: 45_000 };
/** This many failures in a row, over a second or more, are an outage. The API server may come back restored from a backup. */
const OUTAGE_FAILURES = 4;

/** Lists and watches until the signal aborts. Errors lead to a retry: it never throws and never ends early. */
export async function watch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  let state: State = { name: 'listing', reason: 'start' };
  let failures = 0;
  while (!signal.aborted) {
    options.entered(state);
    try {
      const from = state;
      state = await enter(state, options, signal);
      // Only a working watch resets the count. A list does not: lists could keep succeeding while every watch fails.
      const isWorking = from.name === 'watching' && state.name === 'watching' && state.emptyCloses === 0;
      if (isWorking || state.name === 'absent') failures = 0;
    } catch (error) {
      if (error instanceof InterruptedError && error.hadWorked) failures = 0;
      failures++;
      const delay = delayMs(BACKOFF, failures, options.surroundings.random(), retryAfter(error));
      const why = messageOf(error);
      state = { name: 'waiting', delayMs: delay, why, code: codeOf(error), next: resumption(state, error, failures) };
    }
  }
}

async function enter(state: State, options: WatchOptions, signal: AbortSignal): Promise<State> {
  switch (state.name) {
    case 'listing':
      return listOrAbsent(options, signal);
    case 'absent':
      await options.surroundings.wait(state.delayMs, signal);
      return { name: 'listing', reason: 'absent' };
    case 'watching':
      return follow(state, options, signal);
    case 'waiting':
      await options.surroundings.wait(state.delayMs, signal);
      return state.next;
  }
}

/** Without its API, a resource has no objects: those that are known are gone. */
async function listOrAbsent(options: WatchOptions, signal: AbortSignal): Promise<State> {
  const { resource, observer, surroundings } = options;
  try {
    return { name: 'watching', resourceVersion: await list(options, signal), emptyCloses: 0 };
  } catch (error) {
    const isAbsent = error instanceof ClusterError && error.code === 'UnknownResource';
    if (!isAbsent || resource.isOptional !== true) throw error;
    observer.listStarted();
    observer.listEnded();
    const { least, most } = ABSENT_MS;
    return { name: 'absent', delayMs: least + surroundings.random() * (most - least) };
  }
}

const retryAfter = (error: unknown): number | undefined =>
  error instanceof ClusterError || error instanceof InterruptedError ? error.retryAfterSeconds : undefined;

const codeOf = (error: unknown): ErrorCode | undefined => (error instanceof ClusterError ? error.code : undefined);

/** The state to enter after the wait. */
function resumption(state: State, error: unknown, failures: number): State {
  if (error instanceof InterruptedError) return error.next;
  // A failed list starts over, with its original reason.
  if (state.name !== 'watching') return state;
  const reason = listReason(error, failures);
  return reason === undefined ? { ...state, emptyCloses: 0 } : { name: 'listing', reason };
}

/** After a short failure of this kind, the API server most likely still has our version. */
const AWAY: ReadonlySet<ErrorCode> = new Set(['Unreachable', 'Unavailable', 'Timeout']);

/** Why a failed watch needs a new list, or undefined if it can continue from its last version. */
function listReason(error: unknown, failures: number): ListReason | undefined {
  if (error instanceof InvalidLineError) return 'unreadable';
  if (!(error instanceof ClusterError)) return 'refused';
  if (error.code === 'TooManyRequests') return undefined;
  // The API server answers with this timeout if our version is in its future: its data was restored from a backup.
  if (error.code === 'Timeout' && error.message.includes(TOO_LARGE_VERSION)) return 'outage';
  // After any other timeout the API server is overloaded, and a list would add to the load.
  if (AWAY.has(error.code)) return failures < OUTAGE_FAILURES ? undefined : 'outage';
  return error.code === 'Gone' ? 'expired' : 'refused';
}
