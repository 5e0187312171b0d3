import { ClusterError } from './errors.ts';
import type { Places } from './places.ts';
import type { ApiRequest, Transport } from './transport.ts';

/** Objects up to this size, in bytes, are read and written without a limit on their number. */
const LARGE = 256 * 1024;
/** How many larger objects a process reads or writes at once. Each is in memory as bytes, as text and as a parsed value. */
export const LARGE_AT_ONCE = 2;

/** `transport.json` for single objects, with turns for large ones. So many large objects take more time, but not more memory. */
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
