import type { V1Probe } from '@kubernetes/client-node';
import type { WebsiteSpec } from '../../resource.ts';
import type { Json } from '../kind.ts';
import { PORT_NAME } from '../port.ts';

type Probe = Json<V1Probe>;

export interface Probes {
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly startupProbe?: Probe;
}

/** Every probe spells out all fields, so that it equals what the API server stores. */
const TIMING = { timeoutSeconds: 2, successThreshold: 1, failureThreshold: 3 };
const READINESS_SECONDS = 5;
const LIVENESS_SECONDS = 10;
const STARTUP_SECONDS = 2;

/** Without `health`, a Pod is ready while its port accepts connections. The kubelet asks HTTP probes by the Pod's address. */
export function probesOf({ health }: WebsiteSpec): Probes {
  if (health === undefined)
    return {
      readinessProbe: {
        tcpSocket: { port: PORT_NAME },
        ...TIMING,
        periodSeconds: READINESS_SECONDS,
        timeoutSeconds: 1,
      },
    };
  const { path, port = PORT_NAME, startupSeconds } = health;
  const httpGet = { path, port, scheme: 'HTTP' };
  return {
    readinessProbe: { httpGet, ...TIMING, periodSeconds: READINESS_SECONDS },
    livenessProbe: { httpGet, ...TIMING, periodSeconds: LIVENESS_SECONDS },
    startupProbe: {
      httpGet,
      ...TIMING,
      periodSeconds: STARTUP_SECONDS,
      failureThreshold: Math.ceil(startupSeconds / STARTUP_SECONDS),
    },
  };
}

/**
 * The desired HTTP probes. The spec sets only the start-up time. All other timing stays as found, because admission policies may have
 * set it.
 */
export function withTimingOf(have: Probes, want: Probes): Probes {
  const names = ['readinessProbe', 'livenessProbe', 'startupProbe'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const [theirs, ours] = [have[name], want[name]];
      if (theirs?.httpGet === undefined || ours?.httpGet === undefined) return [];
      const start = name === 'startupProbe' ? startOf(theirs, ours) : {};
      return [[name, { ...theirs, ...start, httpGet: { ...theirs.httpGet, ...ours.httpGet } }]];
    }),
  );
}

/** A longer period leaves the container more time to start than the spec states, and a shorter one would leave it less. */
function startOf({ periodSeconds: theirs = 0 }: Probe, { periodSeconds = 0, failureThreshold = 0 }: Probe): Probe {
  return { failureThreshold, periodSeconds: Math.max(theirs, periodSeconds) };
}
