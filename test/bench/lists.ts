import type { Transport } from '../../functions/cluster/transport.ts';
import { API_VERSION, apiPath, PLURAL } from '../../functions/website/resource.ts';
import { secondsSince } from './measure.ts';
import type { Requests } from './requests.ts';
import { CHILD_SELECTOR } from '../../functions/website/children/metadata.ts';
import { KINDS } from '../../functions/website/children/kinds.ts';

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

const PAGE = 500;
const RESOURCES = [{ apiVersion: API_VERSION, plural: PLURAL }, ...KINDS];

/** Lists Websites and children in pages, as a resync does, and throws them away; the requests that it took. */
async function listAll(transport: Transport): Promise<Requests> {
  const requests: Record<string, number> = {};
  for (const { apiVersion, plural } of RESOURCES) {
    let next: string | undefined = '';
    while (next !== undefined) {
      const query: string = new URLSearchParams({
        ...(plural === PLURAL ? {} : { labelSelector: CHILD_SELECTOR }),
        limit: String(PAGE),
        ...(next === '' ? {} : { continue: next }),
      }).toString();
      const path = `${apiPath(apiVersion)}/${plural}?${query}`;
      const page = (await transport.json({ method: 'GET', path, what: `list ${plural}` })) as {
        metadata: { continue?: string };
      };
      requests[`LIST ${plural}`] = (requests[`LIST ${plural}`] ?? 0) + 1;
      next = page.metadata.continue === '' ? undefined : page.metadata.continue;
    }
  }
  return requests;
}
