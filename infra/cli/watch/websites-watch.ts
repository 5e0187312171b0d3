import { setTimeout as delay } from 'node:timers/promises';
import { Places } from '../../../functions/cluster/places.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { API_VERSION, apiPath, keyText, PLURAL, type Website } from '../../../functions/website/resource.ts';
import type { Observer } from '../../forwarder/watch/observer.ts';
import type { State, WatchOptions } from '../../forwarder/watch/state.ts';
import { watch } from '../../forwarder/watch/watch.ts';
import { UNWRITTEN_EVENTS } from '../status-problem.ts';
import { Unwritten, type Changed } from './unwritten.ts';

export interface WebsitesWatch {
  readonly transport: Transport;
  /** All namespaces if absent. */
  readonly namespace: string | undefined;
  /**
   * The Website is new, or may have changed.
   * @param isUnwritten whether the functions have seen this version, but could not write the status.
   */
  readonly changed: Changed;
  /** The Website with this key no longer exists. */
  readonly deleted: (key: string) => void;
  readonly entered: (state: State) => void;
}

/** Watches Websites until the signal aborts. It uses the forwarder's watch, so it survives the same failures. */
export async function watchWebsites(
  { transport, namespace, entered, changed, deleted }: WebsitesWatch,
  signal: AbortSignal,
): Promise<void> {
  const unwritten = new Unwritten(changed);
  const until = async (options: Pick<WatchOptions, 'resource' | 'observer' | 'entered'>) =>
    watch({ ...options, transport, surroundings: { random: Math.random, wait }, places: new Places(1) }, signal);
  await Promise.all([
    until({
      resource: { name: PLURAL, prefix: apiPath(API_VERSION), namespace },
      observer: observerOf(unwritten, deleted),
      entered,
    }),
    // Without the right to watch Events, this tries again about twice a minute. The watch of the Websites does not depend on it.
    until({
      resource: { name: 'events', prefix: '/api/v1', namespace, fieldSelector: UNWRITTEN_EVENTS },
      observer: unwritten.events,
      entered: () => {},
    }),
  ]);
}

const wait = (ms: number, aborted: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal: aborted }).catch(() => {});

/** A list shows a deletion only by the missing object. */
function observerOf(unwritten: Unwritten, deleted: WebsitesWatch['deleted']): Observer {
  /** The uids by key. */
  const known = new Map<string, string>();
  let listed = new Set<string>();
  const see = (website: Website) => {
    known.set(keyText(website.metadata), website.metadata.uid);
    unwritten.see(website);
  };
  const forget = (key: string) => {
    unwritten.forget(known.get(key) ?? '');
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
      for (const key of known.keys()) if (!listed.has(key)) forget(key);
    },
    changed: (object) => see(object as Website),
    deleted: ({ metadata }) => forget(keyText(metadata)),
  };
}
