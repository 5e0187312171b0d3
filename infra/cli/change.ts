// The only writes of the program itself: it requests a reconcile, and suspends or resumes a Website. The functions do the rest.
import type { Transport } from '../../functions/cluster/transport.ts';
import { PLURAL, REQUESTED_AT, type Website, type WebsiteKey } from '../../functions/website/resource.ts';
import { websitePath } from '../../functions/cluster/kubernetes.ts';

/** The field manager of these writes. */
const MANAGER = 'website-cli';

async function patched(transport: Transport, key: WebsiteKey, body: unknown): Promise<Website> {
  const request = {
    method: 'PATCH',
    path: `${websitePath(key)}?fieldManager=${MANAGER}`,
    contentType: 'application/merge-patch+json',
    what: `patch ${PLURAL} ${key.namespace}/${key.name}`,
    body,
  } as const;
  return (await transport.json(request)) as Website;
}

/** @throws ClusterError */
export const suspended = async (transport: Transport, key: WebsiteKey): Promise<Website> =>
  patched(transport, key, { spec: { suspend: true } });

/** @throws ClusterError */
export const resumed = async (transport: Transport, key: WebsiteKey): Promise<Website> =>
  patched(transport, key, { spec: { suspend: false } });

/** Asks the functions to look at the Website now. @returns the token that the status acknowledges. @throws ClusterError */
export async function requestReconcile(transport: Transport, key: WebsiteKey, now: Date): Promise<string> {
  const token = now.toISOString();
  await patched(transport, key, { metadata: { annotations: { [REQUESTED_AT]: token } } });
  return token;
}
