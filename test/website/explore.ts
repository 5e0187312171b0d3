// Runs code that overlaps in every order that its calls can have. The search never continues twice from the same state, so it
// explores every state, and not every way to it.
import { hash } from 'node:crypto';
import type { MemoryCluster } from '../cluster/memory.ts';
import { Actor, type Mind, type Stage, type Turns } from './actor.ts';

/** What is explored. */
export interface World extends Stage {
  /** What overlaps. */
  readonly actors: readonly ((turns: Turns) => Promise<unknown>)[];
  /** What the checks remember of the way to a state. It goes back with the state. */
  readonly notes?: Map<string, unknown>;
  /** Checks what holds at the end, when all actors have ended. It looks at the cluster and the notes alone. */
  readonly end: () => void | Promise<void>;
}

/** How much was explored. */
export interface Explored {
  readonly states: number;
  /** States in which all actors have ended. */
  readonly ends: number;
}

interface State {
  readonly objects: ReturnType<MemoryCluster['snapshot']>;
  readonly notes: ReadonlyMap<string, unknown>;
  readonly minds: readonly Mind[];
  readonly way: Way | undefined;
}

/** The last call on the way to a state, and the way before it. */
interface Way {
  readonly before: Way | undefined;
  readonly call: string;
}

/** @throws what an actor or a check throws, with the order of the calls that led to it. */
export async function explore(world: World): Promise<Explored> {
  const { cluster, notes = new Map<string, unknown>() } = world;
  const actors = world.actors.map((run) => new Actor(run, world));
  const [seen, checked] = [new Set<string>(), new Set<string>()];
  const open: State[] = [];
  const explored = { states: 0, ends: 0 };

  const situation = (): string =>
    `${cluster.state()} ${JSON.stringify([...notes].map((note) => JSON.stringify(note)).toSorted())}`;
  /** The world is as it is now, and the actors have come this far. */
  const reach = (minds: readonly Mind[], way: Way | undefined): void => {
    const failed = minds.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) throw failedAfter(way, failed.failure?.cause);
    const isNew = addTo(seen, `${situation()} ${minds.map(({ id }) => id).join()}`);
    if (isNew) open.push({ objects: cluster.snapshot(), notes: new Map(notes), minds, way });
  };
  const goTo = (state: State): void => {
    cluster.restore(state.objects);
    notes.clear();
    for (const [name, note] of state.notes) notes.set(name, note);
  };

  reach(await Promise.all(actors.map((actor) => actor.begin())), undefined);
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { minds, way } = state;
    explored.states++;
    if (minds.every(({ calls }) => calls.length === 0)) {
      explored.ends++;
      goTo(state);
      if (addTo(checked, situation())) await checkEnd(world, way);
    }
    for (const [index, actor] of actors.entries()) {
      for (const call of minds[index]?.calls ?? []) {
        goTo(state);
        const next = await actor.after(minds[index] as Mind, call);
        reach(minds.with(index, next), { before: way, call: `${index}: ${call.name}` });
      }
    }
  }
  return explored;
}

/** @returns whether it was not there before. */
function addTo(known: Set<string>, text: string): boolean {
  const { size } = known;
  return known.add(hash('sha1', text)).size > size;
}

async function checkEnd({ end }: World, way: Way | undefined): Promise<void> {
  try {
    await end();
  } catch (error) {
    throw failedAfter(way, error);
  }
}

function failedAfter(way: Way | undefined, cause: unknown): Error {
  const calls: string[] = [];
  for (let each = way; each !== undefined; each = each.before) calls.unshift(each.call);
  return new Error(`After ${calls.join(', ')}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
