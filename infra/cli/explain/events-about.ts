import { pages } from '../../../functions/cluster/pages.ts';
import { Places } from '../../../functions/cluster/places.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { childName } from '../../../functions/website/children/metadata.ts';
import { CHILD_KINDS } from '../../../functions/website/children/kinds.ts';
import type { Website } from '../../../functions/website/resource.ts';

/** A Kubernetes Event about a Website or one of its objects. */
export interface EventLine {
  readonly at: string;
  readonly type: string;
  /** Such as `Pod shop-deployment-7c5ddbdf54-x2x5k`. */
  readonly about: string;
  readonly reason: string;
  readonly message: string;
}

interface StoredEvent {
  readonly metadata: { readonly creationTimestamp?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject: { readonly kind?: string; readonly name?: string };
}

/** The most Events that are read. In a namespace with more of them, some may be missing. */
const MOST_READ = 2000;
const MOST_SHOWN = 8;

/** The last Events about the Website, its children and their Pods, newest first. @throws ClusterError */
export async function eventsAbout(
  { metadata: { namespace, name } }: Website,
  transport: Transport,
): Promise<EventLine[]> {
  const items: StoredEvent[] = [];
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
  const list = { path, query: {}, what: `list events in namespace ${namespace}` };
  for await (const page of pages(transport, list, new Places(1))) {
    items.push(...(page as { readonly items: readonly StoredEvent[] }).items);
    if (items.length >= MOST_READ) break;
  }
  const names = new Set([name, ...CHILD_KINDS.map((kind) => childName(kind, name))]);
  const pods = `${childName('Deployment', name)}-`;
  return items
    .filter(({ involvedObject }) => {
      const about = involvedObject.name ?? '';
      return names.has(about) || about.startsWith(pods);
    })
    .map(lineOf)
    .toSorted((one, other) => (one.at < other.at ? 1 : -1))
    .slice(0, MOST_SHOWN);
}

const lineOf = ({ metadata, involvedObject, ...event }: StoredEvent): EventLine => ({
  at: event.lastTimestamp ?? event.eventTime ?? metadata.creationTimestamp ?? '',
  type: event.type ?? 'Normal',
  about: `${involvedObject.kind ?? 'Object'} ${involvedObject.name ?? ''}`,
  reason: event.reason ?? '',
  message: event.message ?? '',
});
