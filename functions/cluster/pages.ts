import { ClusterError } from './errors.ts';
import type { Places } from './places.ts';
import { LARGEST_ANSWER, type ApiRequest, type Transport } from './transport.ts';

/** The most objects in a page, as in kubectl and client-go. */
const MOST_OBJECTS = 500;
/** Objects in the first page. It is small, because the size of the objects is still unknown. */
const FIRST_OBJECTS = 50;
/** The size that pages aim for. 500 Deployments of normal size stay below it. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** A larger page is aborted and requested again with fewer objects. */
const LARGEST_PAGE = 2 * PAGE_BYTES;
/** How much larger the next page may be. One step leads from the first page to a full one. */
const GROWTH = MOST_OBJECTS / FIRST_OBJECTS;
/** How much smaller an aborted page becomes. Each abort wastes work of the API server, so this is more than a half. */
const SHRINK = 8;
/** How many pages a process reads and parses at once, over all of its lists. */
export const PAGES_AT_ONCE = 4;

export interface List {
  /** The path without a query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The request in words, for the error message. */
  readonly what: string;
  readonly accept?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The most objects in a page. */
  readonly pageSize?: number | undefined;
}

interface Page {
  /** Null in an empty list of metadata alone. */
  readonly items: readonly unknown[] | null;
  readonly metadata: { readonly continue?: string };
}

/**
 * Reads a list page by page, with fewer objects per page if they are large. So large objects make a list slower, but do not increase
 * memory.
 * @throws ClusterError, also if the list's continue token has expired.
 */
export async function* pages(transport: Transport, list: List, places: Places): AsyncGenerator {
  const most = list.pageSize ?? MOST_OBJECTS;
  let limit = Math.min(FIRST_OBJECTS, most);
  let next: string | undefined = '';
  while (next !== undefined) {
    const leave = await places.take();
    const read = await readPage(transport, list, { limit, token: next }).finally(leave);
    yield read.value;
    const { items, metadata } = read.value as Page;
    next = metadata.continue === '' ? undefined : metadata.continue;
    limit = Math.min(most, nextLimit(items?.length ?? 0, read.bytes));
  }
}

/** The number of objects of this size that fill a page. The growth is limited, because the next objects may be larger. */
function nextLimit(objects: number, bytes: number): number {
  const count = Math.max(1, objects);
  const fitting = Math.floor((PAGE_BYTES * count) / bytes);
  return Math.max(1, Math.min(fitting, count * GROWTH));
}

async function readPage(transport: Transport, list: List, { limit, token }: { limit: number; token: string }) {
  for (let objects = limit; ; objects = Math.max(1, Math.floor(objects / SHRINK))) {
    try {
      return await transport.sized(requestFor(list, objects, token));
    } catch (error) {
      const isTooLarge = error instanceof ClusterError && error.code === 'AnswerTooLarge';
      if (!isTooLarge || objects === 1) throw error;
    }
  }
}

function requestFor({ path, query, what, accept, signal }: List, objects: number, token: string): ApiRequest {
  const parameters = new URLSearchParams({
    ...query,
    limit: String(objects),
    ...(token === '' ? {} : { continue: token }),
  });
  return {
    method: 'GET',
    path: `${path}?${parameters.toString()}`,
    what,
    accept,
    signal,
    // A page cannot shrink below one object.
    largest: objects === 1 ? LARGEST_ANSWER : LARGEST_PAGE,
  };
}
