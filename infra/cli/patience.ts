import { ClusterError } from '../../functions/cluster/errors.ts';
import type { ApiRequest, Transport } from '../../functions/cluster/transport.ts';

/** Longer than a healthy API server takes. */
const SILENT_MS = 3_000;

/**
 * The same transport. It says what it waits for when the API server has answered nothing for some seconds, and how long it waited
 * when it gives up.
 * @param note prints a line. It is called once for each silence.
 */
export function patient(transport: Transport, note: (line: string) => void): Transport {
  const pending = new Set<ApiRequest>();
  let timer: NodeJS.Timeout | undefined;

  function waitAnew(): void {
    clearTimeout(timer);
    const [first] = pending;
    if (first === undefined) return;
    const line = `Waiting for ${transport.server}, which has not answered for ${SILENT_MS / 1000} s (${first.what})`;
    timer = setTimeout(() => note(line), SILENT_MS).unref();
  }

  async function waitingFor<T>(request: ApiRequest, ask: (request: ApiRequest) => Promise<T>): Promise<T> {
    pending.add(request);
    if (pending.size === 1) waitAnew();
    const start = performance.now();
    try {
      return await ask(request);
    } catch (error) {
      throw isTimeout(error) ? timeout(request, performance.now() - start, error) : error;
    } finally {
      pending.delete(request);
      waitAnew();
    }
  }

  const timeout = ({ what }: ApiRequest, ms: number, cause: unknown): ClusterError =>
    new ClusterError(
      'Timeout',
      `Could not ${what}: ${transport.server} did not answer for ${Math.round(ms / 1000)} s. Is the API server busy, or stopped?`,
      { cause },
    );

  return {
    ...transport,
    json: async (request) => waitingFor(request, async (each) => transport.json(each)),
    sized: async (request) => waitingFor(request, async (each) => transport.sized(each)),
  };
}

/** An answer with status 504 has the API server's own message. */
const isTimeout = (error: unknown): boolean =>
  error instanceof ClusterError && error.code === 'Timeout' && error.status === undefined;
