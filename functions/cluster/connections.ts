import { Agent, buildConnector } from 'undici';
import { MOST_AT_ONCE } from './concurrency.ts';
import { CALL_MS } from './patience.ts';
import type { TlsOptions } from './plausible.ts';

/** The connections to one API server that are made with the same certificates. */
export interface Connections {
  /** One pool for all requests. */
  readonly requests: Agent;
  /** A connection for each watch: it must not wait behind writes. */
  readonly watches: Agent;
}

/** Below the 60 s after which common load balancers cut an idle connection. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** How long a connection waits for the next request: changes come in groups, and a handshake takes longer than most requests. */
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
      // Each request has a deadline of its own.
      headersTimeout: 0,
      connections: MOST_AT_ONCE,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
    }),
    watches: new Agent({ ...options, headersTimeout: CALL_MS, bodyTimeout: 0 }),
  };
}

/**
 * Connections with the certificates of now. Others take no restart: what is under way ends on the connections that it is on, and
 * what comes next is sent on new ones, since an API server knows a connection by the certificate that it was made with.
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
        // It is destroyed where we are closed before the last watch has ended.
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
