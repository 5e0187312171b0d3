import type { ErrorCode } from '../../../functions/cluster/errors.ts';
import type { State } from '../../forwarder/watch/state.ts';
import { printable } from '../../text.ts';

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
  const working = () => {
    // The user may have the right to list Websites, but not to watch them. So a list alone proves nothing.
    if (before === 'watching') refusals = 0;
    if (refusals === 0) noted = undefined;
    hasWorked = true;
  };
  const waiting = ({ why, code }: State & { readonly name: 'waiting' }) => {
    refusals = LASTING.has(code) ? refusals + 1 : 0;
    if (refusals >= (hasWorked ? MOST_REFUSALS : 1)) controller.abort(new Error(why));
    else if (noted !== why) note(`Waiting for the API server: ${printable(why)}`);
    noted = why;
  };
  return {
    ended: controller.signal,
    entered(state) {
      if (state.name === 'watching') working();
      if (state.name === 'waiting') waiting(state);
      before = state.name;
    },
  };
}
