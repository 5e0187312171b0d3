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
 * The API server lists objects in the order of `namespace/name`, and a child is named like its Website, with a suffix. So the children of
 * a Website are behind it in their lists, and all of them come before the next Website whose name does not begin with `{name}-`. Until
 * then, the Website waits. Only Websites whose names begin with each other's wait at once: `shop`, `shop-a`, `shop-a-b`.
 *
 * The lists of children start first, as in a reconcile. A Website that changes meanwhile may come with children of another moment.
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
      for (const child of list.before(position)) put(child);
      while (list.isAtEndOfPage) {
        await list.nextPage();
        for (const child of list.before(position)) put(child);
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

/** Behind every `namespace/name`, which consists of ASCII characters. */
const BEHIND_ALL = '\u{7f}';

/** The children of one kind, page by page. */
class ListOfChildren {
  readonly #pages: AsyncIterator<readonly Child[]>;
  #page: readonly Child[] = [];
  #keys: readonly string[] = [];
  #next = 0;
  #isDone = false;
  /** Whether every child so far is behind the previous one. */
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
