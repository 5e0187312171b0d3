// What the API server says of itself.
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import type { Finding } from './finding.ts';

/** The fence is a ValidatingAdmissionPolicy, which is stable since then. */
const OLDEST_MINOR = 30;

export async function versionFinding(transport: Transport): Promise<Finding> {
  const version = (await transport.json({ method: 'GET', path: '/version', what: 'get the version' })) as {
    readonly gitVersion: string;
    readonly minor: string;
  };
  const isOldEnough = Number.parseInt(version.minor, 10) >= OLDEST_MINOR;
  const message = `Kubernetes ${version.gitVersion} at ${transport.server}`;
  return isOldEnough
    ? { check: 'API server', state: 'ok', message }
    : {
        check: 'API server',
        state: 'problem',
        message,
        toDo: `upgrade it to 1.${OLDEST_MINOR} or newer: the fence needs it`,
      };
}

/** Tokens and Leases compare clocks. Times of the API server are whole seconds. */
const MOST_SKEW_MS = 10_000;

/** The API server's time, by an object that it does not store. Undefined if this user may not create one. */
export async function serverTime(transport: Transport, namespace: string): Promise<Date | undefined> {
  try {
    const created = (await transport.json({
      method: 'POST',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps?dryRun=All`,
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'website-doctor-' } },
      what: 'create configmaps, as a dry run',
    })) as { readonly metadata: { readonly creationTimestamp: string } };
    return new Date(created.metadata.creationTimestamp);
  } catch (error) {
    if (error instanceof ClusterError && ['Forbidden', 'NotFound'].includes(error.code)) return undefined;
    throw error;
  }
}

export function clockFinding(server: Date | undefined, now: Date): Finding {
  const check = 'clock';
  if (server === undefined)
    return { check, state: 'unknown', message: 'Your user may not create a ConfigMap, even as a dry run' };
  const skew = Math.abs(now.getTime() - server.getTime());
  const seconds = Math.round(skew / 1000);
  return skew < MOST_SKEW_MS
    ? { check, state: 'ok', message: 'The clocks of this machine and the API server agree' }
    : {
        check,
        state: 'problem',
        message: `The clocks of this machine and the API server differ by ${seconds} s`,
        toDo: 'synchronize the clocks (NTP)',
      };
}

const GATEWAY_API = 'gateway.networking.k8s.io';

export async function gatewayFinding(transport: Transport): Promise<Finding> {
  const check = 'Gateway API';
  try {
    await transport.json({ method: 'GET', path: `/apis/${GATEWAY_API}/v1`, what: 'get the Gateway API' });
    return { check, state: 'ok', message: `${GATEWAY_API}/v1 is installed` };
  } catch (error) {
    if (!(error instanceof ClusterError) || !['NotFound', 'UnknownResource'].includes(error.code)) throw error;
    return {
      check,
      state: 'ok',
      message: `${GATEWAY_API}/v1 is not installed, and only Websites with a gateway need it`,
    };
  }
}
