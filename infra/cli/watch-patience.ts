import type { ErrorCode } from '../../functions/cluster/errors.ts';
import type { State } from '../forwarder/watch/state.ts';
import { printable } from '../text.ts';

/** Refusals that stay until somebody changes the rights, the credentials or the CRD. */
const LASTING: ReadonlySet<ErrorCode | undefined> = new Set(['Forbidden', 'Unauthorized', 'UnknownResource']);
/** An API server that has just started may refuse for a moment. */
const MOST_REFUSALS = 5;

/** How long `website watch` waits for an API server that does not answer, or refuses. */
export interface Patience {
  readonly entered: (state: State) => void;
  /** Aborts with the error when waiting makes no sense: at the first refusal, or after several in a row if the watch has worked. */
  readonly ended: AbortSignal;
}

/** @param note says once why the watch waits. */
export function patienceWith(note: (line: string) => void): Patience {
  const controller = new AbortController();
  let hasWorked = false;
  let refusals = 0;
  let noted: string | undefined;
  let before: State['name'] | undefined;
  return {
    ended: controller.signal,
    entered(state) {
      // The user may have the right to list Websites, but not to watch them. So a list alone proves nothing.
      if (state.name === 'watching' && before === 'watching') refusals = 0;
      if (state.name === 'watching' && refusals === 0) noted = undefined;
      hasWorked ||= state.name === 'watching';
      before = state.name;
      if (state.name !== 'waiting') return;
      refusals = LASTING.has(state.code) ? refusals + 1 : 0;
      if (refusals >= (hasWorked ? MOST_REFUSALS : 1)) controller.abort(new Error(state.why));
      else if (noted !== state.why) note(`Waiting for the API server: ${printable(state.why)}`);
      noted = state.why;
    },
  };
}
