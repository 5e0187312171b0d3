import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { KINDS } from '../../functions/website/children/kinds.ts';
import { PLURAL } from '../../functions/website/resource.ts';
import { secondsSince } from './measure.ts';
import type { Requests } from './requests.ts';

/** A resync of what is as declared. */
export interface Resync {
  readonly seconds: number;
  /** For the lists that every program needs. */
  readonly listSeconds: number;
  /** Requests of the lists. */
  readonly own: Requests;
}

/** Asks for a resync, right after the bare lists. */
export async function measureResync(transport: Transport, resync: URL): Promise<Resync> {
  const listed = performance.now();
  const own = await listAll(transport);
  const listSeconds = secondsSince(listed);
  const start = performance.now();
  const response = await fetch(resync, { method: 'POST' });
  const seconds = secondsSince(start);
  if (!response.ok) throw new Error(`The resync answered ${response.status}: ${await response.text()}`);
  const report = response.headers.get('website-resync') ?? '';
  if (!/\bdiffering[=:] ?0\b/.test(report)) throw new Error(`Not all was as declared: ${report}`);
  return { seconds, listSeconds, own };
}

/** Lists Websites and children in pages, as a resync does, and drops them. @returns the requests that it took. */
async function listAll(transport: Transport): Promise<Requests> {
  const cluster = kubernetes(transport);
  const requests: Record<string, number> = { [`LIST ${PLURAL}`]: await pagesOf(cluster.listWebsites()) };
  for (const { kind, plural } of KINDS) requests[`LIST ${plural}`] = await pagesOf(cluster.listChildren(kind));
  return requests;
}

async function pagesOf(list: AsyncIterable<unknown>): Promise<number> {
  let pages = 0;
  for await (const _ of list) pages++;
  return pages;
}
