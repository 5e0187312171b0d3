import { isOptional, kindOf, type ChildKind } from '../../../functions/website/children/kinds.ts';
import { keyText, PLURAL, type WebsiteKey } from '../../../functions/website/resource.ts';
import {
  deletionOf,
  driftOf,
  isOurCreation,
  KnownObjects,
  listedChange,
  rememberChild,
  rememberWebsite,
  UNKNOWN_UID,
  websiteChange,
} from './known.ts';
import type { Change, Memory } from './known.ts';
import type { Observer, WatchedObject } from './observer.ts';

/** Where changes go. All return at once. */
export interface Outlet {
  change(change: Change, revealedBy: 'watch' | 'list'): void;
  /** Websites of whose state nothing asks for an event are left to one resync. */
  resync(): void;
  /** Counts a change that no watch told and only a list revealed. */
  missed(resource: string): void;
}

/** An observer that remembers what it was told of. */
export interface RememberingObserver extends Observer {
  /** Objects that are remembered. */
  size(): number;
}

/** It also says what is there. */
export interface WebsiteObserver extends RememberingObserver {
  /** Nothing when there is no Website of this name. */
  uidOf(key: WebsiteKey): string | undefined;
}

/** Turns what the watch of Websites tells into changes. */
export function websiteObserver(outlet: Outlet): WebsiteObserver {
  const known = new KnownObjects();
  let listed = new Set<string>();
  let isFirstList = true;
  let isListing = false;
  let settled = 0;
  /** Not Ready, and unchanged: they come after everything that the list shows as changed. */
  let unready: Change[] = [];

  const tell = (change: Change) => outlet.change(change, isListing ? 'list' : 'watch');
  const remove = (key: WebsiteKey, resourceVersion?: string) => {
    const before = known.get(keyText(key));
    if (before === undefined) return;
    known.delete(keyText(key));
    tell(deletionOf(key, before, resourceVersion));
  };
  /** What is remembered of this very Website: one before it, of the same name, is gone. */
  const remembered = ({ metadata: { namespace, name, uid } }: WatchedObject): Memory | undefined => {
    const text = keyText({ namespace, name });
    if (known.has(text) && known.get(text)?.uid !== uid) remove({ namespace, name });
    return known.get(text);
  };

  return {
    listStarted() {
      listed = new Set();
      isListing = true;
      settled = 0;
      unready = [];
    },
    listed(object) {
      const text = keyText(object.metadata);
      listed.add(text);
      const before = remembered(object);
      const now = rememberWebsite(object);
      const change = listedChange(object, before);
      known.set(text, now);
      if (!isFirstList && before?.print !== now.print) outlet.missed(PLURAL);
      if (change === undefined) settled++;
      else if (change.reason === 'retry') unready.push(change);
      else tell(change);
    },
    listEnded() {
      for (const text of known.keys()) {
        if (listed.has(text)) continue;
        outlet.missed(PLURAL);
        remove(keyOf(text));
      }
      for (const change of unready) tell(change);
      [listed, unready] = [new Set(), []];
      [isListing, isFirstList] = [false, false];
      if (settled > 0) outlet.resync();
    },
    changed(object) {
      const change = websiteChange(object, remembered(object));
      known.set(keyText(object.metadata), rememberWebsite(object));
      if (change !== undefined) tell(change);
    },
    deleted: ({ metadata: { namespace, name, resourceVersion } }) => remove({ namespace, name }, resourceVersion),
    size: () => known.size,
    uidOf: (key) => known.get(keyText(key))?.uid,
  };
}

/**
 * Turns what the watch of one kind of children tells into changes of the Websites that own them. Where there is no Website of
 * that name, nothing is told: the garbage collector takes what a Website leaves, and one that is yet to come is told by itself.
 */
export function childObserver(
  kind: ChildKind,
  outlet: Outlet,
  websites: Pick<WebsiteObserver, 'uidOf'>,
): RememberingObserver {
  const known = new KnownObjects();
  const { plural } = kindOf(kind);
  let listed = new Set<string>();
  let isListing = false;
  let isFirstList = true;

  const drifted = (namespace: string, { owner, ...child }: Memory, resourceVersion: string) => {
    const live = owner && websites.uidOf({ namespace, name: owner.name });
    if (owner === undefined || live === undefined) return;
    const uid = owner.uid === UNKNOWN_UID ? live : owner.uid;
    const change = driftOf(kind, namespace, { ...child, owner: { ...owner, uid } }, resourceVersion);
    outlet.change(change, isListing ? 'list' : 'watch');
  };
  const remove = (text: string, resourceVersion: string) => {
    const before = known.get(text);
    if (before === undefined) return;
    known.delete(text);
    drifted(keyOf(text).namespace, before, resourceVersion);
  };
  const see = ({ metadata }: WatchedObject, now: Memory | undefined) => {
    const text = keyText(metadata);
    const before = known.get(text);
    if (now === undefined) {
      // Somebody took our owner reference away: its Website has to know.
      remove(text, metadata.resourceVersion);
      return;
    }
    known.set(text, now);
    if (before?.print === now.print) return;
    drifted(metadata.namespace, now, metadata.resourceVersion);
    // It changed hands: the one that lost it has to know as well.
    if (before !== undefined && before.owner?.name !== now.owner?.name)
      drifted(metadata.namespace, before, metadata.resourceVersion);
  };

  return {
    listStarted() {
      listed = new Set();
      isListing = true;
    },
    listed(object) {
      listed.add(keyText(object.metadata));
      const now = rememberChild(kind, object);
      const text = keyText(object.metadata);
      if (!isFirstList) {
        if (known.get(text)?.print !== now?.print) outlet.missed(plural);
        see(object, now);
      } else if (now !== undefined) {
        // At the start, the Websites' own state says which of them need a look, and a resync covers the rest.
        known.set(text, now);
      }
    },
    listEnded() {
      for (const text of known.keys()) {
        if (listed.has(text)) continue;
        outlet.missed(plural);
        remove(text, 'gone');
      }
      listed = new Set();
      [isListing, isFirstList] = [false, false];
    },
    changed(object) {
      const text = keyText(object.metadata);
      const now = rememberChild(kind, object);
      // Only live: one that a list makes known may have moved on since it was made. One that was made ours by hand is news.
      const isKnown = known.has(text) || now?.owner?.uid === UNKNOWN_UID;
      if (now !== undefined && !isOptional(kind) && !isKnown && isOurCreation(object)) known.set(text, now);
      else see(object, now);
    },
    deleted: ({ metadata }) => remove(keyText(metadata), metadata.resourceVersion),
    size: () => known.size,
  };
}

/** A name has no slash in it. */
function keyOf(text: string): WebsiteKey {
  const [namespace = '', name = ''] = text.split('/');
  return { namespace, name };
}
