// What the API server says of itself.
import type { Transport } from '../../../functions/cluster/transport.ts';
import { GATEWAY_API } from '../../../functions/website/children/http-route/object.ts';
import { apiPath } from '../../../functions/website/resource.ts';
import { ifRefused } from '../errors.ts';
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
  const creation = transport.json({
    method: 'POST',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps?dryRun=All`,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'website-doctor-' } },
    what: 'create configmaps, as a dry run',
  });
  const created = (await ifRefused(creation, ['Forbidden', 'NotFound'], undefined)) as Created | undefined;
  return created && new Date(created.metadata.creationTimestamp);
}

interface Created {
  readonly metadata: { readonly creationTimestamp: string };
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

export async function gatewayFinding(transport: Transport): Promise<Finding> {
  const read = transport.json({ method: 'GET', path: apiPath(GATEWAY_API), what: 'get the Gateway API' });
  const isInstalled = (await ifRefused(read, ['NotFound', 'UnknownResource'], undefined)) !== undefined;
  const message = isInstalled
    ? `${GATEWAY_API} is installed`
    : `${GATEWAY_API} is not installed, and only Websites with a gateway need it`;
  return { check: 'Gateway API', state: 'ok', message };
}

/** Whether the policy that limits the functions' identity is in force. */
export async function fenceFinding(installation: string, transport: Transport): Promise<Finding> {
  const check = 'fence';
  const name = `website-functions.${installation}`;
  const isThere = async (plural: string): Promise<boolean> => {
    const path = `/apis/admissionregistration.k8s.io/v1/${plural}/${name}`;
    const read = transport.json({ method: 'GET', path, what: `get ${plural} ${name}` });
    return (await ifRefused(read, ['NotFound', 'UnknownResource'], undefined)) !== undefined;
  };
  const kinds = ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'];
  const found = await Promise.all(kinds.map(isThere));
  const missing = kinds.filter((_, index) => found[index] !== true);
  if (missing.length === 0)
    return { check, state: 'ok', message: `The policy ${name} limits what the functions may write` };
  return {
    check,
    state: 'problem',
    message: `Nothing limits what the functions may write: there is no ${name} among the ${missing.join(' and ')}`,
    toDo: 'kubectl apply --server-side -k infra/kubernetes/rights/fence, or the chart with fence.enabled (SECURITY.md says why)',
  };
}
