// What the API server says of the requests that it answered.
import { text } from 'node:stream/consumers';
import type { Transport } from '../../functions/cluster/transport.ts';

/** Requests that were answered, by verb and resource: `POST deployments`, `GET ingresses -> 404`. */
export type Requests = Readonly<Record<string, number>>;

/** All requests so far. */
export async function requestsTo(transport: Transport): Promise<Requests> {
  return requestsIn(await text(await transport.stream({ method: 'GET', path: '/metrics', what: 'read metrics' })));
}

const SERIES = /^apiserver_request_total\{(.*)\} (\S+)$/gm;

/** Reads the API server's metrics, a text in Prometheus' format. */
export function requestsIn(metrics: string): Requests {
  const requests: Record<string, number> = {};
  for (const [, labels = '', total] of metrics.matchAll(SERIES)) {
    const { verb, resource, subresource, code } = Object.fromEntries(
      [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    ) as Partial<Record<string, string>>;
    if (resource === undefined || resource === '') continue;
    const what = subresource === '' || subresource === undefined ? resource : `${resource}/${subresource}`;
    const outcome = code?.startsWith('2') === false ? ` -> ${code}` : '';
    const name = `${verb} ${what}${outcome}`;
    requests[name] = (requests[name] ?? 0) + Number(total);
  }
  return requests;
}

/** What came between, without those of one's own. */
export function between(before: Requests, after: Requests, own: Requests = {}): Requests {
  const counts = Object.entries(after).map(
    ([name, count]) => [name, count - (before[name] ?? 0) - (own[name] ?? 0)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** What the API server and its leases write by themselves, and what is a note and no object of the Website's. */
const ASIDE = /leases|ipaddresses|events|endpoints|namespaces|configmaps|serviceaccounts/;

/** Writes that succeeded. */
export const writesIn = (requests: Requests): number =>
  Object.entries(requests)
    .filter(([name]) => /^(POST|PUT|PATCH|APPLY|DELETE) /.test(name) && !name.includes('->') && !ASIDE.test(name))
    .reduce((sum, [, count]) => sum + count, 0);
