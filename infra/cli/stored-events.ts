import { requestFor } from '../../functions/cluster/collection.ts';
import { pages } from '../../functions/cluster/pages.ts';
import { Places } from '../../functions/cluster/places.ts';
import type { Transport } from '../../functions/cluster/transport.ts';

/** A Kubernetes Event as the core API shows it. */
export interface StoredEvent {
  readonly metadata: {
    readonly name?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
  };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject: {
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
}

/** Reads a list of Events page by page. @param namespace all if undefined. @throws ClusterError */
export async function* storedEvents(
  transport: Transport,
  namespace: string | undefined,
  query: Readonly<Record<string, string>> = {},
): AsyncGenerator<readonly StoredEvent[]> {
  const list = { ...requestFor({ name: 'events', prefix: '/api/v1', namespace }, 'list'), query };
  for await (const page of pages(transport, list, new Places(1)))
    yield (page as { readonly items: readonly StoredEvent[] }).items;
}
