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

it('The search reaches each state once, whatever the order of the calls', async () => {
  const actor = async ({ act }: Turns) => {
    await act('first', async () => {});
    await act('second', async () => {});
  };
  // Each of the two actors has made zero, one or two calls.
  expect(await explore({ cluster: new MemoryCluster(), actors: [actor, actor], end: () => {} })).toEqual({
    states: 9,
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
