// A resync over as many settled Websites as the first argument says. They are made page by page as they are read, as a page of
// the API server is, so that nothing but the resync remembers them.
import { pino } from 'pino';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import type { Website } from '../../functions/website/resource.ts';
import { resyncWebsites } from '../../functions/resync-websites.ts';
import { around } from '../cluster/around.ts';
import { clusterWithOne, namedText } from '../fixtures/fleet.ts';
import { NOW } from '../fixtures/websites.ts';
import type { Child, ChildKind, ChildOfKind } from '../../functions/website/children/kinds.ts';

const COUNT = Number(process.argv[2]);
const PAGE = 500;

const one = await clusterWithOne();

/** The same object under another name, as if it had just been read. */
const named = <T extends Website | Child>(object: T, index: number): T => JSON.parse(namedText(object, index)) as T;

async function* pages<T extends Website | Child>(object: T | undefined): AsyncGenerator<readonly T[]> {
  if (object === undefined) return;
  for (let from = 0; from < COUNT; from += PAGE)
    yield Array.from({ length: PAGE }, (_, index) => named(object, from + index));
}

const [website] = one.websites();
const children = one.children();
const cluster: Cluster = {
  ...around(one),
  announce: async () => {},
  listPods: async () => [],
  listWebsites: () => pages(website),
  listChildren: <Kind extends ChildKind>(kind: Kind) =>
    pages(children.find((child): child is ChildOfKind<Kind> => child.kind === kind)),
};
const log = pino({ level: 'silent' });
const report = await resyncWebsites({ cluster, now: () => NOW, log, resyncPlace: { last: undefined } });
process.stdout.write(`${JSON.stringify(report)}\n`);
