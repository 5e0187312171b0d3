// Runs code that overlaps in every order that its calls can have. The search never continues twice from the same state, so it
// explores every state, and not every way to it.
import { hash } from 'node:crypto';
import type { MemoryCluster } from '../cluster/memory.ts';
import { Actor, type Mind, type Turns } from './actor.ts';

type Notes = Map<string, unknown>;

/** What is explored. */
export interface World {
  readonly cluster: MemoryCluster;
  /** What overlaps. */
  readonly actors: readonly ((turns: Turns) => Promise<unknown>)[];
  /** What the checks remember of the way to a state. It goes back with the state. */
  readonly notes?: Notes;
  /** Checks what holds at the end, when all actors have ended. It looks at the cluster and the notes alone. */
  readonly end: () => void | Promise<void>;
}

/** How much was explored. */
export interface Explored {
  readonly states: number;
  /** States in which all actors have ended. */
  readonly ends: number;
  /** Kinds of which an object was created, changed or deleted on some way. */
  readonly changed: ReadonlySet<string>;
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

/**
 * Reads of a kind that never changes take no turn. Which kinds change is found out: the search begins again each time that it meets the
 * first change of a kind. Up to that change, all reads of the kind have had the same answer in every order.
 * @throws what an actor or a check throws, with the order of the calls that led to it.
 */
export async function explore(world: World): Promise<Explored> {
  const { cluster, notes = new Map<string, unknown>() } = world;
  const start = { objects: cluster.snapshot(), notes: new Map(notes) };
  const changing = new Set<string>();
  for (;;) {
    const explored = await exploreWhile(changing, { ...world, notes });
    if (explored !== undefined) return explored;
    goTo(start, cluster, notes);
  }
}

interface Played {
  /** The same for actors that do the same work. */
  readonly name: number;
  readonly actor: Actor;
}

/** @returns undefined once another kind changes, after adding it to those that change. */
async function exploreWhile(changing: Set<string>, world: Required<World>): Promise<Explored | undefined> {
  const { cluster, notes } = world;
  const stage = { cluster, changing };
  const known = new Map(world.actors.map((run, index) => [run, { name: index, actor: new Actor(run, stage) }]));
  const actors = world.actors.map((run) => known.get(run) as Played);
  const [seen, checked] = [new Set<string>(), new Set<string>()];
  const open: State[] = [];
  const explored = { states: 0, ends: 0, changed: changing };

  const situation = (): string =>
    `${cluster.state()} ${JSON.stringify([...notes].map((note) => JSON.stringify(note)).toSorted())}`;
  /** How far the actors have come. Those that have ended do nothing more. Those that do the same work can change places. */
  const progress = (minds: readonly Mind[]): string =>
    minds
      .map(({ id, calls }, index) => (calls.length === 0 ? 'ended' : `${actors[index]?.name} ${id}`))
      .toSorted()
      .join();
  /** The world is as it is now, and the actors have come this far. */
  const reach = (minds: readonly Mind[], way: Way | undefined): void => {
    const failed = minds.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) throw failedAfter(way, failed.failure?.cause);
    const isNew = addTo(seen, `${situation()} ${progress(minds)}`);
    if (isNew) open.push({ objects: cluster.snapshot(), notes: new Map(notes), minds, way });
  };

  const begun: Mind[] = [];
  for (const { actor } of actors) begun.push(await actor.begin());
  reach(begun, undefined);
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { minds, way } = state;
    explored.states++;
    if (minds.every(({ calls }) => calls.length === 0)) {
      explored.ends++;
      goTo(state, cluster, notes);
      if (addTo(checked, situation())) await checkEnd(world, way);
    }
    const steps = minds.flatMap((mind, index) => mind.calls.map((call) => ({ mind, index, call })));
    for (const { mind, index, call } of steps) {
      goTo(state, cluster, notes);
      const next = await (actors[index] as Played).actor.after(mind, call);
      if (addChanges(changing, state.objects, cluster)) return undefined;
      reach(minds.with(index, next), { before: way, call: `${index}: ${call.name}` });
    }
  }
  return explored;
}

function goTo({ objects, notes: noted }: Pick<State, 'objects' | 'notes'>, cluster: MemoryCluster, notes: Notes): void {
  cluster.restore(objects);
  notes.clear();
  for (const [name, note] of noted) notes.set(name, note);
}

/** Adds the kinds of which an object was created, changed or deleted. @returns whether one of them is new. */
function addChanges(changing: Set<string>, { objects: before }: State['objects'], cluster: MemoryCluster): boolean {
  const { size } = changing;
  const { objects: after } = cluster.snapshot();
  for (const [key, { kind }] of [...before, ...after]) if (before.get(key) !== after.get(key)) changing.add(kind);
  return changing.size > size;
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
