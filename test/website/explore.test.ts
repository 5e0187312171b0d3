// What the search itself is good for: that it reaches what goes wrong in one order only, and says in which.
import { expect, it } from 'vitest';
import { MemoryCluster } from '../cluster/memory.ts';
import type { Turns } from './actor.ts';
import { explore } from './explore.ts';

/** Counts in the notes, with the reading and the writing in a turn each. */
const counting =
  (notes: Map<string, unknown>) =>
  async ({ act }: Turns) => {
    const count = await act('read', async () => Number(notes.get('count') ?? 0));
    await act('write', async () => notes.set('count', count + 1));
  };

it('Every state is reached once, whatever the way', async () => {
  const actor = async ({ act }: Turns) => {
    await act('first', async () => {});
    await act('second', async () => {});
  };
  // Each of the two has made no, one or two calls.
  expect(await explore({ cluster: new MemoryCluster(), actors: [actor, actor], end: () => {} })).toEqual({
    states: 9,
    ends: 1,
  });
});

it('Calls of one actor that overlap are made in every order', async () => {
  const notes = new Map<string, unknown>();
  const orders = new Set<string>();
  const note = (name: string) => async () =>
    void notes.set('order', [...((notes.get('order') ?? []) as string[]), name]);
  const actor = ({ act }: Turns) => Promise.all(['a', 'b', 'c'].map((name) => act(name, note(name))));
  const end = () => void orders.add((notes.get('order') as string[]).join(''));
  await explore({ cluster: new MemoryCluster(), notes, actors: [actor], end });
  expect([...orders].toSorted()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
});

it('The order in which two writers lose an update is found and named', async () => {
  const notes = new Map<string, unknown>();
  const world = {
    cluster: new MemoryCluster(),
    notes,
    actors: [counting(notes), counting(notes)],
    end: () => expect(notes.get('count')).toBe(2),
  };
  await expect(explore(world)).rejects.toThrow(/^After \d: read, \d: read, \d: write, \d: write: expected 1 to be 2/);
});

it('What an actor throws in one order is found, and what it handles is an answer like any other', async () => {
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
