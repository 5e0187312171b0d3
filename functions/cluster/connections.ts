import { Agent, buildConnector } from 'undici';
import { MOST_AT_ONCE } from './concurrency.ts';
import { CALL_MS } from './patience.ts';
import type { TlsOptions } from './credentials/plausible.ts';

/** The connections to one API server that use the same certificates. */
export interface Connections {
  /** One pool for all requests. */
  readonly requests: Agent;
  /** A separate connection for each watch, so that it does not wait behind writes. */
  readonly watches: Agent;
}

/** Shorter than the 60 s after which common load balancers cut an idle connection. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** How long an idle connection stays open. Changes come in groups, and a handshake takes longer than most requests. */
const IDLE_MS = 50_000;

function open(tls: TlsOptions): Connections {
  const connect = buildConnector({
    ...tls,
    allowH2: false,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  });
  const options = { allowH2: false, connect };
  return {
    requests: new Agent({
      ...options,
      // `exchange` enforces the deadline of each request.
      headersTimeout: 0,
      connections: MOST_AT_ONCE,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
    }),
    watches: new Agent({ ...options, headersTimeout: CALL_MS, bodyTimeout: 0 }),
  };
}

/**
 * Opens new connections when the certificates change, so that no restart is needed. An API server identifies a connection by its
 * client certificate. Running requests finish on the previous connections.
 */
export function connectionsFor(first: TlsOptions): { of(tls: TlsOptions): Connections; close(): Promise<void> } {
  let [used, current] = [first, open(first)];
  const leaving = new Set<Agent>();
  return {
    of(tls) {
      if (tls === used) return current;
      for (const agent of Object.values(current) as Agent[]) {
        leaving.add(agent);
        const forget = () => {
          leaving.delete(agent);
        };
        // `close` waits for running requests and watches. If the program ends earlier, the agent in `leaving` is destroyed.
        agent.close().then(forget, forget);
      }
      [used, current] = [tls, open(tls)];
      return current;
    },
    async close() {
      await Promise.all([...leaving, current.requests, current.watches].map((agent) => agent.destroy()));
    },
  };
}
