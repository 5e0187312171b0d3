// Runs code that overlaps in every order that its calls can have. The search never continues twice from the same state, so it
// explores every state, and not every way to it.
import type { MemoryCluster } from '../cluster/memory.ts';
import { Actor, type Call, type Mind, type Turns } from './actor.ts';
import { goTo, situationOf, type Notes, type Situation } from './situation.ts';

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
  readonly situation: Situation;
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
  const start = situationOf(cluster, notes);
  const changing = new Set<string>();
  for (;;) {
    const explored = await exploreWhile(changing, { ...world, notes });
    if (explored !== undefined) return explored;
    goTo(start, cluster, notes);
  }
}

/** What a call led to. */
interface Step {
  readonly situation: Situation;
  readonly mind: Mind;
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
  /** What each call led to. It does not depend on how far the other actors have come. */
  const steps = new Map<string, Step>();

  /** How far the actors have come. Those that have ended do nothing more. Those that do the same work can change places. */
  const progress = (minds: readonly Mind[]): string =>
    minds
      .map(({ id, calls }, index) => (calls.length === 0 ? 'ended' : `${actors[index]?.name} ${id}`))
      .toSorted()
      .join();
  const reach = (situation: Situation, minds: readonly Mind[], way: Way | undefined): void => {
    const failed = minds.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) throw failedAfter(way, failed.failure?.cause);
    if (addTo(seen, `${situation.digest} ${progress(minds)}`)) open.push({ situation, minds, way });
  };
  /** @returns undefined once another kind changes. */
  const stepFrom = async (before: Situation, { actor, name }: Played, mind: Mind, call: Call) => {
    const step = `${before.exactDigest} ${name} ${mind.id} ${call.place}`;
    const made = steps.get(step);
    if (made !== undefined) return made;
    goTo(before, cluster, notes);
    const next = await actor.after(mind, call);
    if (addChanges(changing, before.objects, cluster)) return undefined;
    const after = { mind: next, situation: situationOf(cluster, notes) };
    steps.set(step, after);
    return after;
  };

  const begun: Mind[] = [];
  for (const { actor } of actors) begun.push(await actor.begin());
  reach(situationOf(cluster, notes), begun, undefined);
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { situation, minds, way } = state;
    explored.states++;
    if (minds.every(({ calls }) => calls.length === 0)) {
      explored.ends++;
      goTo(situation, cluster, notes);
      if (addTo(checked, situation.digest)) await checkEnd(world, way);
    }
    const calls = minds.flatMap((mind, index) => mind.calls.map((call) => ({ mind, index, call })));
    for (const { mind, index, call } of calls) {
      const step = await stepFrom(situation, actors[index] as Played, mind, call);
      if (step === undefined) return undefined;
      reach(step.situation, minds.with(index, step.mind), { before: way, call: `${index}: ${call.name}` });
    }
  }
  return explored;
}

/** Adds the kinds of which an object was created, changed or deleted. @returns whether one of them is new. */
function addChanges(changing: Set<string>, { objects: before }: Situation['objects'], cluster: MemoryCluster): boolean {
  const { size } = changing;
  const { objects: after } = cluster.snapshot();
  for (const [key, { kind }] of [...before, ...after]) if (before.get(key) !== after.get(key)) changing.add(kind);
  return changing.size > size;
}

/** @returns whether it was not there before. */
function addTo(known: Set<string>, text: string): boolean {
  const { size } = known;
  return known.add(text).size > size;
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
