import { setTimeout as delay } from 'node:timers/promises';
import { Places } from '../../../functions/cluster/places.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { API_VERSION, apiPath, keyText, PLURAL, type Website } from '../../../functions/website/resource.ts';
import type { Observer } from '../../forwarder/watch/observer.ts';
import type { State } from '../../forwarder/watch/state.ts';
import { watch } from '../../forwarder/watch/watch.ts';

export interface WebsitesWatch {
  readonly transport: Transport;
  /** All namespaces if absent. */
  readonly namespace: string | undefined;
  /** The Website is new, or may have changed. */
  readonly changed: (website: Website) => void;
  /** The Website with this key no longer exists. */
  readonly deleted: (key: string) => void;
  readonly entered: (state: State) => void;
}

/** Watches Websites until the signal aborts. It uses the forwarder's watch, so it survives the same failures. */
export const watchWebsites = (
  { transport, namespace, entered, ...seen }: WebsitesWatch,
  signal: AbortSignal,
): Promise<void> =>
  watch(
    {
      resource: { name: PLURAL, prefix: apiPath(API_VERSION), namespace },
      transport,
      observer: observerOf(seen),
      surroundings: { random: Math.random, wait },
      places: new Places(1),
      entered,
    },
    signal,
  );

const wait = (ms: number, aborted: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal: aborted }).catch(() => {});

/** A list shows a deletion only by the missing object. */
function observerOf({ changed, deleted }: Pick<WebsitesWatch, 'changed' | 'deleted'>): Observer {
  const known = new Set<string>();
  let listed = new Set<string>();
  const see = (website: Website) => {
    known.add(keyText(website.metadata));
    changed(website);
  };
  const forget = (key: string) => {
    if (known.delete(key)) deleted(key);
  };
  return {
    listStarted: () => {
      listed = new Set();
    },
    listed: (object) => {
      listed.add(keyText(object.metadata));
      see(object as Website);
    },
    listEnded: () => {
      for (const key of known) if (!listed.has(key)) forget(key);
    },
    changed: (object) => see(object as Website),
    deleted: ({ metadata }) => forget(keyText(metadata)),
  };
}
