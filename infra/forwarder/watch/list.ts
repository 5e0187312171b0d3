import * as z from 'zod';
import { pages } from '../../../functions/cluster/pages.ts';
import type { Resource, WatchOptions } from './state.ts';
import type { WatchedObject } from './observer.ts';

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
  { resource, transport, observer, progressed, pageSize, places }: WatchOptions,
  signal: AbortSignal,
): Promise<string> {
  observer.listStarted();
  let resourceVersion = '';
  const { path, what } = of(resource, 'list');
  for await (const read of pages(transport, { path, query: selected(resource), what, signal, pageSize }, places)) {
    const { items, metadata } = page.parse(read);
    progressed?.();
    for (const item of items) observer.listed(item);
    resourceVersion = metadata.resourceVersion;
  }
  observer.listEnded();
  return resourceVersion;
}

export const selected = ({ labelSelector }: Resource): Record<string, string> =>
  labelSelector === undefined ? {} : { labelSelector };

/** Where the resource is, and the request in words for what goes wrong. */
export function of({ name, prefix, namespace }: Resource, verb: 'list' | 'watch') {
  const place = namespace === undefined ? prefix : `${prefix}/namespaces/${namespace}`;
  return {
    path: `${place}/${name}`,
    what: namespace === undefined ? `${verb} ${name}` : `${verb} ${name} in namespace ${namespace}`,
  };
}
