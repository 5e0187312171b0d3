import { ClusterError } from './errors.ts';
import type { Places } from './places.ts';
import { LARGEST_ANSWER, type ApiRequest, type Transport } from './transport.ts';

/** Most objects in a page: as many as kubectl and client-go ask for. */
const MOST_OBJECTS = 500;
/** Objects in the first page, of whose size nothing is known. */
const FIRST_OBJECTS = 50;
/** Bytes that a page should come to. Pages of 500 Deployments stay below it, unless somebody made them large. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** Bytes after which a page is broken off, and asked for in smaller parts. */
const LARGEST_PAGE = 2 * PAGE_BYTES;
/** From the first page to a whole one in one step. */
const GROWTH = MOST_OBJECTS / FIRST_OBJECTS;
/** A page that was too large has been read by the API server for nothing: it is made smaller by more than a half. */
const SHRINK = 8;
/** Pages that a process holds at once, whatever it lists: as many as there are kinds of objects. */
export const PAGES_AT_ONCE = 4;

export interface List {
  /** Path without a query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The request in words, for the error message. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Most objects in a page. */
  readonly pageSize?: number | undefined;
}

interface Page {
  readonly items: readonly unknown[];
  readonly metadata: { readonly continue?: string };
}

/**
 * Reads a list page by page, and takes pages of fewer objects where the objects are large: what others store decides how long a
 * list takes, and not how much memory. A page counts as held until the next one is asked for.
 * @throws ClusterError, for an expired page among others.
 */
export async function* pages(transport: Transport, list: List, places: Places): AsyncGenerator {
  const most = list.pageSize ?? MOST_OBJECTS;
  let limit = Math.min(FIRST_OBJECTS, most);
  let next: string | undefined = '';
  while (next !== undefined) {
    const leave = await places.take();
    try {
      const read = await readPage(transport, list, { limit, token: next });
      yield read.value;
      const { items, metadata } = read.value as Page;
      next = metadata.continue === '' ? undefined : metadata.continue;
      limit = Math.min(most, nextLimit(items.length, read.bytes));
    } finally {
      leave();
    }
  }
}

/** As many objects of the same size as come to a whole page; not many times more, since the next ones may be larger. */
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

function requestFor({ path, query, what, signal }: List, objects: number, token: string): ApiRequest {
  const parameters = new URLSearchParams({
    ...query,
    limit: String(objects),
    ...(token === '' ? {} : { continue: token }),
  });
  return {
    method: 'GET',
    path: `${path}?${parameters.toString()}`,
    what,
    signal,
    // A single object is read whatever its size.
    largest: objects === 1 ? LARGEST_ANSWER : LARGEST_PAGE,
  };
}
