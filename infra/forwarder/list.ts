import * as z from 'zod';
import type { Resource, WatchedObject, WatchOptions } from './watch.ts';

const PAGE = 500;
const TIMEOUT_MS = 60_000;

const page = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.custom<WatchedObject>((item) => typeof item === 'object' && item !== null)),
});

/**
 * Reads all objects, in pages. Never with `resourceVersion=0`: a cache that lags could say that objects are gone which are
 * not.
 * @returns the version from which a watch goes on.
 * @throws ClusterError, for an expired page among others: then the list is void, and nothing counts as gone.
 */
export async function list(
  { resource, transport, observer, progressed, pageSize = PAGE }: WatchOptions,
  signal: AbortSignal,
): Promise<string> {
  observer.listStarted();
  let token: string | undefined = '';
  let resourceVersion = '';
  while (token !== undefined) {
    const query: Record<string, string> = { ...selected(resource), limit: String(pageSize) };
    if (token !== '') query['continue'] = token;
    const body = await transport.json({ ...get(resource, query, 'list'), timeoutMs: TIMEOUT_MS, signal });
    const { items, metadata } = page.parse(body);
    progressed?.();
    for (const item of items) observer.listed(item);
    resourceVersion = metadata.resourceVersion;
    token = metadata.continue === '' ? undefined : metadata.continue;
  }
  observer.listEnded();
  return resourceVersion;
}

export const selected = ({ labelSelector }: Resource): Record<string, string> =>
  labelSelector === undefined ? {} : { labelSelector };

/** A GET of the resource, with its name in words for what goes wrong. */
export function get({ name, prefix, namespace }: Resource, query: Record<string, string>, verb: 'list' | 'watch') {
  const place = namespace === undefined ? prefix : `${prefix}/namespaces/${namespace}`;
  return {
    method: 'GET',
    path: `${place}/${name}?${new URLSearchParams(query).toString()}`,
    what: namespace === undefined ? `${verb} ${name}` : `${verb} ${name} in namespace ${namespace}`,
  } as const;
}
