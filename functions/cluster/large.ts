import { ClusterError } from './errors.ts';
import type { Places } from './places.ts';
import type { ApiRequest, Transport } from './transport.ts';

/** An object up to this size, in bytes, is read and written beside all others. */
const LARGE = 256 * 1024;
/** Larger ones that a process reads or writes at once: each is there as bytes, as text and as a value for a moment. */
export const LARGE_AT_ONCE = 2;

/**
 * `transport.json` for single objects: those that somebody made large take turns, so that their number decides how long they
 * take, and not how much memory.
 */
export function inTurnWhereLarge(transport: Transport, places: Places): Transport['json'] {
  const inTurn = async (request: ApiRequest): Promise<unknown> => {
    const leave = await places.take();
    try {
      return await transport.json(request);
    } finally {
      leave();
    }
  };
  return async (request) => {
    if (request.body !== undefined) {
      const body = JSON.stringify(request.body);
      return body.length > LARGE ? inTurn({ ...request, body }) : transport.json({ ...request, body });
    }
    try {
      return await transport.json({ ...request, largest: LARGE });
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'AnswerTooLarge') return inTurn(request);
      throw error;
    }
  };
}
