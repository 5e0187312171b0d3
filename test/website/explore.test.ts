// The search finds faults that occur in one order of the calls only, and names that order.
import { expect, it } from 'vitest';
import { MemoryCluster } from '../cluster/memory.ts';
import type { Turns } from './actor.ts';
import { explore } from './explore.ts';

/** An actor that increments a count: it reads in one turn and writes in another. */
const counting =
  (notes: Map<string, unknown>) =>
  async ({ act }: Turns) => {
    const count = await act('read', async () => Number(notes.get('count') ?? 0));
    await act('write', async () => notes.set('count', count + 1));
  };

const twoCalls = () => async (turns: Turns) => {
  await turns.act('first', async () => {});
  await turns.act('second', async () => {});
};

it('The search reaches each state once, whatever the order of the calls', async () => {
  // Each of the two actors has made zero, one or two calls.
  const actors = [twoCalls(), twoCalls()];
  expect(await explore({ cluster: new MemoryCluster(), actors, end: () => {} })).toMatchObject({ states: 9, ends: 1 });
});

it('The search does not distinguish actors that do the same work', async () => {
  const actor = twoCalls();
  const actors = [actor, actor];
  expect(await explore({ cluster: new MemoryCluster(), actors, end: () => {} })).toMatchObject({ states: 6, ends: 1 });
});

it('The search forgets what an actor read once the actor has ended', async () => {
  const notes = new Map<string, unknown>();
  const reading = async ({ act }: Turns) => void (await act('read', async () => notes.has('set')));
  const setting = async ({ act }: Turns) => void (await act('set', async () => notes.set('set', true)));
  const actors = [reading, setting];
  const explored = await explore({ cluster: new MemoryCluster(), notes, actors, end: () => {} });
  expect(explored).toMatchObject({ states: 4, ends: 1 });
});

const key = { namespace: 'team-a', name: 'shop' };

it('The search makes a read early and late if the object changes in one order of the calls only', async () => {
  const [cluster, notes, outcomes] = [new MemoryCluster(), new Map<string, unknown>(), new Set<unknown>()];
  const reading = async (turns: Turns) => {
    const seen = await turns.cluster.getWebsite(key);
    await turns.act('note', async () => notes.set('seen', seen?.spec));
  };
  const creating = async ({ act }: Turns) => {
    const isAllowed = await act('ask', async () => notes.has('allowed'));
    if (isAllowed) await act('create', async () => cluster.apply(key, 'made'));
  };
  const allowing = async ({ act }: Turns) => void (await act('allow', async () => notes.set('allowed', true)));
  const deleting = async ({ act }: Turns) => act('delete', async () => cluster.drop('Website', key));
  const end = () => void outcomes.add(notes.get('seen'));
  await explore({ cluster, notes, actors: [reading, creating, allowing, deleting], end });
  expect(outcomes).toEqual(new Set([undefined, 'made']));
});

it('The search gives no turn to a read of what never changes', async () => {
  const reading = async ({ cluster }: Turns) => void (await cluster.getWebsite(key));
  const cluster = new MemoryCluster();
  cluster.apply(key, 'kept');
  expect(await explore({ cluster, actors: [reading, twoCalls()], end: () => {} })).toMatchObject({
    states: 3,
    ends: 1,
  });
});

it('The search makes overlapping calls of one actor in every order', async () => {
  const notes = new Map<string, unknown>();
  const orders = new Set<string>();
  const note = (name: string) => async () =>
    void notes.set('order', [...((notes.get('order') ?? []) as string[]), name]);
  const actor = ({ act }: Turns) => Promise.all(['a', 'b', 'c'].map((name) => act(name, note(name))));
  const end = () => void orders.add((notes.get('order') as string[]).join(''));
  await explore({ cluster: new MemoryCluster(), notes, actors: [actor], end });
  expect([...orders].toSorted()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
});

it('The search finds and names an order in which two writers lose an update', async () => {
  const notes = new Map<string, unknown>();
  const world = {
    cluster: new MemoryCluster(),
    notes,
    actors: [counting(notes), counting(notes)],
    end: () => expect(notes.get('count')).toBe(2),
  };
  await expect(explore(world)).rejects.toThrow(/^After \d: read, \d: read, \d: write, \d: write: expected 1 to be 2/);
});

it('The search reports an error that an actor throws in one order, and not one that the actor handles', async () => {
  const notes = new Map<string, unknown>();
  const setting = async ({ act }: Turns) => act('set', async () => void notes.set('set', true));
  const failing = async ({ act }: Turns) => {
    const refused = async () => {
      if (notes.has('set')) throw new Error('refused');
    };
    await act('try', refused).catch(() => act('try again', refused));
  };
  const world = { cluster: new MemoryCluster(), notes, actors: [setting, failing], end: () => {} };
  await expect(explore(world)).rejects.toThrow('After 0: set, 1: try, 1: try again: refused');
});
