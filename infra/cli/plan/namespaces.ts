import type { Transport } from '../../../functions/cluster/transport.ts';
import { UsageError } from '../../usage.ts';
import { ifRefused } from '../errors.ts';
import type { Manifests } from './manifests.ts';

/**
 * `kubectl apply` fails in a namespace that does not exist. A user who may not read namespaces is not asked to.
 * @throws UsageError if neither the cluster nor the file has the namespace of a Website.
 */
export async function checkNamespaces({ websites, namespaces }: Manifests, transport: Transport): Promise<void> {
  const used = new Map(websites.map(({ key, where }) => [key.namespace, where]));
  for (const [namespace, where] of used) {
    if (namespaces.has(namespace)) continue;
    const request = {
      method: 'GET',
      path: `/api/v1/namespaces/${namespace}`,
      what: `get namespace ${namespace}`,
    } as const;
    const read = transport.json(request).then(() => true);
    const exists = await ifRefused(ifRefused(read, ['Forbidden'], true), ['NotFound'], false);
    if (!exists)
      throw new UsageError(`${where}: there is no namespace ${namespace}. Create it first, or put it into the file`);
  }
}
