// What the API server reports about itself.
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

/** A time of the API server, with the clock of this machine before and after the request that brought it. */
export interface ServerTime {
  readonly time: Date;
  readonly before: Date;
  readonly after: Date;
}

/** The API server's time, by an object that it does not store. @throws ClusterError if this user may not create one. */
export async function serverTime(transport: Transport, namespace: string, now: () => Date): Promise<ServerTime> {
  const before = now();
  const created = (await transport.json({
    method: 'POST',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps?dryRun=All`,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'website-doctor-' } },
    what: `create configmaps in namespace ${namespace}, as a dry run`,
  })) as { readonly metadata: { readonly creationTimestamp: string } };
  return { time: new Date(created.metadata.creationTimestamp), before, after: now() };
}

/** Tokens and Leases compare clocks. */
const MOST_SKEW_MS = 10_000;
/** Times of the API server are whole seconds. */
const ROUNDING_MS = 1000;

/** The API server read its clock between `before` and `after`, so only a time outside of these is a difference. */
export function clockFinding({ time, before, after }: ServerTime): Finding {
  const check = 'clock';
  const [ahead, behind] = [time.getTime() - after.getTime(), before.getTime() - (time.getTime() + ROUNDING_MS)];
  const skew = Math.max(ahead, behind);
  if (skew >= MOST_SKEW_MS)
    return {
      check,
      state: 'problem',
      message: `The clocks of this machine and the API server differ by at least ${Math.floor(skew / 1000)} s`,
      toDo: 'synchronize the clocks (NTP)',
    };
  const seconds = Math.round((after.getTime() - before.getTime()) / 1000);
  return seconds * 1000 < MOST_SKEW_MS
    ? { check, state: 'ok', message: 'The clocks of this machine and the API server agree' }
    : {
        check,
        state: 'unknown',
        message: `The API server took ${seconds} s to answer, which is too long to compare clocks`,
        toDo: 'run website doctor again when the API server is less busy',
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
