import * as z from 'zod';
import { requestFor } from '../../../functions/cluster/collection.ts';
import { pages } from '../../../functions/cluster/pages.ts';
import type { Resource, WatchOptions } from './state.ts';
import type { WatchedObject } from './observer.ts';

const page = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.custom<WatchedObject>((item) => typeof item === 'object' && item !== null)),
});

/**
 * Reads all objects, in pages. Never with `resourceVersion=0`, because a stale cache could omit objects that exist.
 * @returns the version to start the watch from.
 * @throws ClusterError, also for an expired page. The list then does not count, and no object counts as deleted.
 */
export async function list(
  { resource, transport, observer, progressed, pageSize, places }: WatchOptions,
  signal: AbortSignal,
): Promise<string> {
  observer.listStarted();
  let resourceVersion = '';
  const { path, what } = requestFor(resource, 'list');
  for await (const read of pages(transport, { path, query: selected(resource), what, signal, pageSize }, places)) {
    const { items, metadata } = page.parse(read);
    progressed?.();
    for (const item of items) observer.listed(item);
    resourceVersion = metadata.resourceVersion;
  }
  observer.listEnded();
  return resourceVersion;
}

export const selected = ({ labelSelector, fieldSelector }: Resource): Record<string, string> => ({
  ...(labelSelector === undefined ? {} : { labelSelector }),
  ...(fieldSelector === undefined ? {} : { fieldSelector }),
});
