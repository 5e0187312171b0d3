import { isOptional, kindOf, type ChildKind } from '../../../functions/website/children/kinds.ts';
import { childName } from '../../../functions/website/children/metadata.ts';
import { keyText, PLURAL, type WebsiteKey } from '../../../functions/website/resource.ts';
import type { Change } from './change.ts';
import { driftOf, isOurCreation, rememberChild, UNKNOWN_UID } from './child-change.ts';
import { KnownObjects, type Memory } from './known.ts';
import type { Observer, WatchedObject } from './observer.ts';
import { deletionOf, listedChange, rememberWebsite, websiteChange } from './website-change.ts';

/** Receives the changes. Every method returns at once. */
export interface Outlet {
  change(change: Change, revealedBy: 'watch' | 'list'): void;
  /** Requests one resync. It covers Websites that need no event, and those that only get a look, which may come late. */
  resync(): void;
  /** Counts a change that the watch missed and a list revealed. */
  missed(resource: string): void;
}

/** An observer that remembers the objects it has seen. */
export interface RememberingObserver extends Observer {
  /** Number of remembered objects. */
  size(): number;
}

/** An observer of one kind of children. */
export interface ChildObserver extends RememberingObserver {
  /** The last seen version of this Website's child: null if it is gone, undefined if it is unknown or not the Website's. */
  readonly versionOf: (key: WebsiteKey) => string | null | undefined;
}

/** An observer of Websites that also knows their uids. */
export interface WebsiteObserver extends RememberingObserver {
  /** Undefined if there is no Website of this name. */
  uidOf(key: WebsiteKey): string | undefined;
}

/** Turns what the watch of Websites reports into changes. */
export function websiteObserver(outlet: Outlet): WebsiteObserver {
  const known = new KnownObjects();
  let isFirstList = true;
  let isListing = false;
  /** Websites that are not Ready and have not changed. They are reported after all changes that the list reveals. */
  let unready: Change[] = [];

  const report = (change: Change) => outlet.change(change, isListing ? 'list' : 'watch');
  const remove = (key: WebsiteKey, resourceVersion?: string) => {
    const before = known.get(keyText(key));
    if (before === undefined) return;
    known.delete(keyText(key));
    report(deletionOf(key, before, resourceVersion));
  };
  /** The memory of this Website. If a previous Website of the same name is remembered, it is gone, so it is removed. */
  const remembered = ({ metadata: { namespace, name, uid } }: WatchedObject): Memory | undefined => {
    const text = keyText({ namespace, name });
    const before = known.get(text);
    if (before === undefined || before.uid === uid) return before;
    remove({ namespace, name });
    return undefined;
  };

  return {
    listStarted() {
      known.listStarted();
      isListing = true;
      unready = [];
    },
    listed(object) {
      const text = keyText(object.metadata);
      const before = remembered(object);
      const now = rememberWebsite(object);
      const change = listedChange(object, before);
      known.set(text, now);
      if (!isFirstList && before?.print !== now.print) outlet.missed(PLURAL);
      if (change === undefined) return;
      if (change.reason === 'retry') unready.push(change);
      else report(change);
    },
    listEnded() {
      for (const text of known.unlisted()) {
        outlet.missed(PLURAL);
        remove(keyOf(text));
      }
      for (const change of unready) report(change);
      unready = [];
      [isListing, isFirstList] = [false, false];
      // Also without settled Websites: a new installation shows at once, and not after the first interval, that resyncs work.
      outlet.resync();
    },
    changed(object) {
      const change = websiteChange(object, remembered(object));
      known.set(keyText(object.metadata), rememberWebsite(object));
      if (change !== undefined) report(change);
    },
    deleted: ({ metadata: { namespace, name, resourceVersion } }) => remove({ namespace, name }, resourceVersion),
    size: () => known.size,
    uidOf: (key) => known.get(keyText(key))?.uid,
  };
}

/**
 * Turns what the watch of one kind of children reports into changes of the Websites that own them. A child whose Website does not
 * exist yields no change: the garbage collector deletes it, or the Website's own event will follow.
 */
export function childObserver(
  kind: ChildKind,
  outlet: Outlet,
  websites: Pick<WebsiteObserver, 'uidOf'>,
): ChildObserver {
  const known = new KnownObjects();
  const { plural } = kindOf(kind);
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
      // Somebody removed our owner reference, so the Website has to be reconciled.
      remove(text, metadata.resourceVersion);
      return;
    }
    known.set(text, now);
    if (before?.print === now.print) return;
    drifted(metadata.namespace, now, metadata.resourceVersion);
    // The child has a new owner. The Website that lost it has to be reconciled too.
    if (before !== undefined && before.owner?.name !== now.owner?.name)
      drifted(metadata.namespace, before, metadata.resourceVersion);
  };

  return {
    listStarted() {
      known.listStarted();
      isListing = true;
    },
    listed(object) {
      const now = rememberChild(kind, object);
      const text = keyText(object.metadata);
      if (!isFirstList) {
        if (known.get(text)?.print !== now?.print) outlet.missed(plural);
        see(object, now);
      } else if (now !== undefined) {
        // After a start, the state of the Websites shows which of them need an event, and a resync covers the others.
        known.set(text, now);
      }
    },
    listEnded() {
      for (const text of known.unlisted()) {
        outlet.missed(plural);
        remove(text, 'gone');
      }
      [isListing, isFirstList] = [false, false];
    },
    changed(object) {
      const text = keyText(object.metadata);
      const now = rememberChild(kind, object);
      // A child that the functions have just created needs no event. In a list it does, because it may have changed since.
      // A child that was adopted by hand needs an event too.
      const isKnown = known.get(text) !== undefined || now?.owner?.uid === UNKNOWN_UID;
      if (now !== undefined && !isOptional(kind) && !isKnown && isOurCreation(object)) known.set(text, now);
      else see(object, now);
    },
    deleted: ({ metadata }) => remove(keyText(metadata), metadata.resourceVersion),
    size: () => known.size,
    versionOf: ({ namespace, name }) => {
      const child = known.get(keyText({ namespace, name: childName(kind, name) }));
      return child === undefined ? null : child.version;
    },
  };
}

/** A name contains no slash. */
function keyOf(text: string): WebsiteKey {
  const [namespace = '', name = ''] = text.split('/');
  return { namespace, name };
}
