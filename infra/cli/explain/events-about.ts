import type { Transport } from '../../../functions/cluster/transport.ts';
import { childName } from '../../../functions/website/children/metadata.ts';
import { CHILD_KINDS } from '../../../functions/website/children/kinds.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { storedEvents, type StoredEvent } from '../stored-events.ts';

/** A Kubernetes Event about a Website or one of its objects. */
export interface EventLine {
  readonly at: string;
  readonly type: string;
  /** Such as `Pod shop-deployment-7c5ddbdf54-x2x5k`. */
  readonly about: string;
  readonly reason: string;
  readonly message: string;
}

/** The most Events that are read. In a namespace with more of them, some may be missing. */
const MOST_READ = 2000;
const MOST_SHOWN = 8;

/** The Events about the Website, its children and their Pods. @throws ClusterError */
export async function eventsAbout(
  { metadata: { namespace, name } }: Website,
  transport: Transport,
): Promise<StoredEvent[]> {
  const items: StoredEvent[] = [];
  for await (const page of storedEvents(transport, namespace)) {
    items.push(...page);
    if (items.length >= MOST_READ) break;
  }
  const names = new Set([name, ...CHILD_KINDS.map((kind) => childName(kind, name))]);
  const pods = `${childName('Deployment', name)}-`;
  return items.filter(({ involvedObject }) => {
    const about = involvedObject.name ?? '';
    return names.has(about) || about.startsWith(pods);
  });
}

/** The last of these Events, newest first. */
export const lastOf = (events: readonly StoredEvent[]): EventLine[] =>
  events
    .map(lineOf)
    .toSorted((one, other) => (one.at < other.at ? 1 : -1))
    .slice(0, MOST_SHOWN);

const lineOf = ({ metadata, involvedObject, ...event }: StoredEvent): EventLine => ({
  at: event.lastTimestamp ?? event.eventTime ?? metadata.creationTimestamp ?? '',
  type: event.type ?? 'Normal',
  about: `${involvedObject.kind ?? 'Object'} ${involvedObject.name ?? ''}`,
  reason: event.reason ?? '',
  message: event.message ?? '',
});
