import { hash } from 'node:crypto';
import type { Shard } from '../config.ts';
import type { Observer, WatchedObject } from './observer.ts';

/** Passes on the objects in our shard's namespaces, and drops all others. */
export function onlyOf(shard: Shard, observer: Observer): Observer {
  const ours = (pass: (object: WatchedObject) => void) => (object: WatchedObject) => {
    if (isIn(shard, object.metadata.namespace)) pass(object);
  };
  return {
    listStarted: () => observer.listStarted(),
    listed: ours((object) => observer.listed(object)),
    listEnded: () => observer.listEnded(),
    changed: ours((object) => observer.changed(object)),
    deleted: ours((object) => observer.deleted(object)),
  };
}

/** Each namespace belongs to exactly one of `count` shards, and always to the same one. */
export function isIn({ index, count }: Shard, namespace: string): boolean {
  const first32Bits = Number.parseInt(hash('sha1', namespace, 'hex').slice(0, 8), 16);
  return first32Bits % count === index;
}
