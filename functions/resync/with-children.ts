// All Websites with their children, from lists that are read side by side.
import type { Cluster } from '../cluster/cluster.ts';
import { CHILD_KINDS, type Child, type ChildKind, type Children } from '../website/children/kinds.ts';
import { websiteNameIn } from '../website/children/metadata.ts';
import { keyText, type Website } from '../website/resource.ts';

export interface WithChildren {
  readonly website: Website;
  /** Undefined if the lists cannot tell, because one of them was not in order. */
  readonly children: Children | undefined;
}

/**
 * Reads all Websites and their children. It holds one page of each list, however many Websites there are.
 *
 * The API server lists objects in the order of `namespace/name`. The name of a child is that of its Website and a suffix. So a Website
 * is complete once the lists have reached a name that does not begin with its own name and a dash. Until then it waits. Few Websites
 * wait at once, because each name begins with the one before and a dash: `shop`, `shop-a`, `shop-a-b`.
 *
 * The lists of children start first, as in a reconcile. If a Website changes meanwhile, its children may be older or newer than it.
 * @throws ClusterError if a list cannot be read.
 */
export async function* websitesWithChildren(cluster: Cluster): AsyncGenerator<WithChildren> {
  const lists = CHILD_KINDS.map((kind) => new ListOfChildren(cluster, kind));
  await Promise.all(lists.map((list) => list.nextPage()));
  const waiting = new Map<string, { readonly website: Website; readonly children: Children }>();
  let last = '';
  let isInOrder = true;

  async function* before(position: string): AsyncGenerator<WithChildren> {
    for (const list of lists) {
      for (;;) {
        for (const child of list.before(position)) put(child);
        if (!list.isAtEndOfPage) break;
        await list.nextPage();
      }
    }
    isInOrder &&= lists.every((list) => list.isInOrder);
    for (const [key, { website, children }] of waiting) {
      if (position.startsWith(`${key}-`)) continue;
      waiting.delete(key);
      yield { website, children: isInOrder ? children : undefined };
    }
  }
  const put = (child: Child): void => {
    const { namespace } = child.metadata;
    const name = websiteNameIn(child.kind, child.metadata.name);
    const owner = name === undefined ? undefined : waiting.get(keyText({ namespace, name }));
    if (owner !== undefined) Object.assign(owner.children, { [child.kind]: child });
  };

  for await (const page of cluster.listWebsites()) {
    for (const website of page) {
      const key = keyText(website.metadata);
      isInOrder &&= last < key;
      last = key;
      yield* before(key);
      waiting.set(key, { website, children: {} });
    }
  }
  yield* before(BEHIND_ALL);
}

/** Comes after every `namespace/name`, which consists of ASCII characters. */
const BEHIND_ALL = '\u{7f}';

/** The children of one kind, page by page. */
class ListOfChildren {
  readonly #pages: AsyncIterator<readonly Child[]>;
  #page: readonly Child[] = [];
  #keys: readonly string[] = [];
  #next = 0;
  #isDone = false;
  /** Whether every child so far came after the previous one in the order of their keys. */
  isInOrder = true;

  constructor(cluster: Cluster, kind: ChildKind) {
    this.#pages = cluster.listChildren(kind)[Symbol.asyncIterator]();
  }

  get isAtEndOfPage(): boolean {
    return this.#next === this.#page.length && !this.#isDone;
  }

  /** The children of this page that come before the position. Each child is returned once. */
  *before(position: string): Generator<Child> {
    for (; this.#next < this.#page.length; this.#next++) {
      const [child, key = ''] = [this.#page[this.#next], this.#keys[this.#next]];
      if (child === undefined || key >= position) return;
      yield child;
    }
  }

  async nextPage(): Promise<void> {
    const last = this.#keys.at(-1) ?? '';
    const { done, value } = await this.#pages.next();
    this.#isDone = done === true;
    this.#page = done === true ? [] : value;
    this.#keys = this.#page.map(({ metadata }) => keyText(metadata));
    this.#next = 0;
    this.isInOrder &&= this.#keys.every((key, index) => (this.#keys[index - 1] ?? last) < key);
  }
}
