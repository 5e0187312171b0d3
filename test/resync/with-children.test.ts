// Websites and their children from lists, page by page: P8, P9.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { websitesWithChildren, type WithChildren } from '../../functions/resync/with-children.ts';
import { CHILD_KINDS, childrenIn, type Child, type ChildKind } from '../../functions/website/children/kinds.ts';
import { childName } from '../../functions/website/children/metadata.ts';
import { keyText, type WebsiteKey } from '../../functions/website/resource.ts';
import { sampled } from '../sampling.ts';

type Named = { readonly kind: string; readonly metadata: WebsiteKey };
type Lists = Pick<Cluster, 'listWebsites' | 'listChildren'>;

const named = (kind: string, { namespace, name }: WebsiteKey): Named => ({ kind, metadata: { namespace, name } });
const childOf = (kind: ChildKind, { namespace, name }: WebsiteKey): Named =>
  named(kind, { namespace, name: childName(kind, name) });
const byKey = (one: Named, other: Named): number => (keyText(one.metadata) < keyText(other.metadata) ? -1 : 1);

/** Lists with pages of this many objects. `read` counts the pages by kind. */
function listsOf(websites: readonly Named[], children: readonly Named[], page: number) {
  const read: Record<string, number> = {};
  async function* pages(kind: string, objects: readonly Named[]) {
    for (let from = 0; from < objects.length; from += page) {
      read[kind] = (read[kind] ?? 0) + 1;
      yield objects.slice(from, from + page);
    }
  }
  const lists = {
    listWebsites: () => pages('Website', websites),
    listChildren: (kind: ChildKind) =>
      pages(
        kind,
        children.filter((child) => child.kind === kind),
      ),
  };
  return { read, cluster: lists as unknown as Lists as Cluster };
}

/** What came with each Website, as text. */
async function joined(cluster: Cluster): Promise<Record<string, string[] | undefined>> {
  const found: Record<string, string[] | undefined> = {};
  for await (const each of websitesWithChildren(cluster)) {
    expect(found, 'returned once').not.toHaveProperty([keyText(each.website.metadata)]);
    found[keyText(each.website.metadata)] = namesIn(each);
  }
  return found;
}

const namesIn = ({ children }: WithChildren): string[] | undefined =>
  children && childrenIn(children).map(({ metadata }: Child) => keyText(metadata));

/** Names that are often the beginning of others, or end as those of children do. */
const name = fc
  .tuple(fc.constantFrom('a', 'z'), fc.array(fc.constantFrom('0', 's', '-a', '-z', '-deployment'), { maxLength: 3 }))
  .map(([first, rest]) => first + rest.join(''));
const key = fc.record({ namespace: fc.constantFrom('a', 'a-b', 'zz'), name });

it('Every Website comes once, with exactly its children, whatever their names and the sizes of pages', async () => {
  const kinds = fc.subarray([...CHILD_KINDS]);
  const sites = fc.uniqueArray(fc.record({ key, kinds, exists: fc.boolean() }), {
    selector: (site) => keyText(site.key),
  });
  const property = fc.asyncProperty(sites, fc.integer({ min: 1, max: 4 }), async (all, page) => {
    const websites = all.filter(({ exists }) => exists).map((site) => named('Website', site.key));
    const children = all.flatMap((site) => site.kinds.map((kind) => childOf(kind, site.key)));
    const { cluster } = listsOf(websites.toSorted(byKey), children.toSorted(byKey), page);
    const expected = all
      .filter(({ exists }) => exists)
      .map((site) => [
        keyText(site.key),
        CHILD_KINDS.filter((kind) => site.kinds.includes(kind)).map((kind) =>
          keyText(childOf(kind, site.key).metadata),
        ),
      ]);
    expect(await joined(cluster)).toEqual(Object.fromEntries(expected));
  });
  await fc.assert(property, sampled({ sometimes: 500, often: 5_000 }));
});

it('P8: no list is read ahead of the others, even if one name is the beginning of all the rest', async () => {
  const keys = ['a', ...Array.from({ length: 2_000 }, (_, index) => `a-${String(index).padStart(4, '0')}`)].map(
    (each) => ({ namespace: 'team-a', name: each }),
  );
  const { cluster, read } = listsOf(
    keys.map((each) => named('Website', each)),
    keys.flatMap((each) => [childOf('Deployment', each), childOf('Service', each)]).toSorted(byKey),
    10,
  );
  let seen = 0;
  for await (const { children } of websitesWithChildren(cluster)) {
    seen++;
    expect(Object.keys(children ?? {})).toEqual(['Deployment', 'Service']);
    const { Website = 0, Deployment = 0, Service = 0 } = read;
    expect(Math.abs(Website - Deployment)).toBeLessThanOrEqual(1);
    expect(Math.abs(Website - Service)).toBeLessThanOrEqual(1);
  }
  expect(seen).toBe(2_001);
});

it.each(['Website', 'Deployment'])(
  'If the list of %ss is not in order, the children behind that are unknown',
  async (kind) => {
    const keys = Array.from({ length: 40 }, (_, index) => ({ namespace: 'team-a', name: `s${10 + index}` }));
    const shuffled = (objects: readonly Named[]) => [...objects.slice(0, 10), ...objects.slice(10).toReversed()];
    const websites = keys.map((each) => named('Website', each));
    const children = keys.map((each) => childOf('Deployment', each));
    const { cluster } = listsOf(
      kind === 'Website' ? shuffled(websites) : websites,
      kind === 'Website' ? children : shuffled(children),
      5,
    );
    const found = await joined(cluster);
    expect(Object.keys(found)).toHaveLength(40);
    expect(found['team-a/s15']).toEqual(['team-a/s15-deployment']);
    expect(found['team-a/s30']).toBeUndefined();
  },
);

it('The children are listed before the Websites, as a reconcile reads them', async () => {
  const { cluster, read } = listsOf(
    [named('Website', { namespace: 'a', name: 'b' })],
    [childOf('Service', { namespace: 'a', name: 'b' })],
    1,
  );
  const listWebsites = cluster.listWebsites.bind(cluster);
  cluster.listWebsites = () => {
    expect(read).toEqual({ Service: 1 });
    return listWebsites();
  };
  expect(await joined(cluster)).toEqual({ 'a/b': ['a/b-service'] });
});
