// Runs code that overlaps in every order that its calls can have. A state that was reached before is not gone on from again,
// so what is explored is every state there is, and not every way to it.
import { hash } from 'node:crypto';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import type { ChildKind } from '../../functions/website/children/kinds.ts';
import type { MemoryCluster } from '../cluster/memory.ts';

/** What an actor does its work by: everything it does waits for its turn. */
export interface Turns {
  readonly cluster: Cluster;
  act<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** One world to explore: it begins anew for every order that is tried. */
export interface World {
  readonly cluster: MemoryCluster;
  /**
   * Kinds of which there is no child at any time. Reading one comes to the same in every order, so it takes no turn. That keeps the
   * number of orders independent of how many kinds there are.
   */
  readonly absent?: ReadonlySet<ChildKind>;
  /** What overlaps. */
  readonly actors: readonly ((turns: Turns) => Promise<unknown>)[];
  /** Checks what holds at the end, when all of them have ended. */
  readonly end: () => void | Promise<void>;
}

/** How much was explored. */
export interface Explored {
  readonly states: number;
  /** Orders that came to an end. */
  readonly ends: number;
}

/** @throws what a world throws, with the order of the calls that led to it. */
export async function explore(begin: () => World): Promise<Explored> {
  const seen = new Set<string>();
  const explored = { states: 0, ends: 0 };
  const open: (readonly number[])[] = [[]];
  for (let order = open.pop(); order !== undefined; order = open.pop()) {
    const play = new Play(begin());
    for (const choice of order) await play.go(choice);
    // On from here, until where somebody has been: what is left on the way is for later.
    for (const path = [...order]; await play.isNewTo(seen); path.push(0)) {
      explored.states++;
      if (play.choices === 0) {
        await play.end();
        explored.ends++;
        break;
      }
      for (let choice = play.choices - 1; choice > 0; choice--) open.push([...path, choice]);
      await play.go(0);
    }
  }
  return explored;
}

interface Call {
  readonly actor: number;
  readonly name: string;
  readonly go: () => void;
}

/** One world, played in one order. */
class Play {
  readonly #world: World;
  readonly #waiting: Call[] = [];
  /** What each actor has come to know, by the order in which it asked: with the same, it goes on in the same way. */
  readonly #known: string[][];
  readonly #history: string[] = [];
  readonly #failures: unknown[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#known = world.actors.map(() => []);
    for (const [index, actor] of world.actors.entries()) {
      actor(this.#turnsOf(index)).then(
        () => this.#known[index]?.push('ended'),
        (error: unknown) => this.#failures.push(error),
      );
    }
  }

  /** Calls that wait for their turn, once everything has run that can run without one. */
  get choices(): number {
    return this.#waiting.length;
  }

  async go(choice: number): Promise<void> {
    await quiescence();
    const call = inOrder(this.#waiting)[choice];
    if (call === undefined) throw this.#failed(`there is no call ${choice}`);
    this.#waiting.splice(this.#waiting.indexOf(call), 1);
    this.#history.push(`${call.actor}: ${call.name}`);
    call.go();
  }

  /** Whether this state is new. @throws what an actor threw. */
  async isNewTo(seen: Set<string>): Promise<boolean> {
    await quiescence();
    if (this.#failures.length > 0) throw this.#failed(this.#failures[0]);
    const waiting = inOrder(this.#waiting).map(({ actor, name }) => [actor, name]);
    const state = hash('sha1', JSON.stringify([this.#world.cluster.state(), this.#known, waiting]));
    const isNew = !seen.has(state);
    seen.add(state);
    return isNew;
  }

  async end(): Promise<void> {
    try {
      await this.#world.end();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(cause: unknown): Error {
    const message = cause instanceof Error ? cause.message : String(cause);
    return new Error(`After ${this.#history.join(', ')}: ${message}`, { cause });
  }

  #turnsOf(actor: number): Turns {
    const { cluster, absent = new Set() } = this.#world;
    const learnt = this.#known[actor] ?? [];
    const act = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      const place = learnt.push(name) - 1;
      await new Promise<void>((resolve) => this.#waiting.push({ actor, name, go: resolve }));
      try {
        const result = await work();
        learnt[place] = `${name}=${digest(result)}`;
        return result;
      } catch (error) {
        learnt[place] = `${name} failed with ${String(error)}`;
        throw error;
      }
    };
    return {
      act,
      cluster: {
        async getWebsite(key, since) {
          if (since === undefined) return act('get Website', () => cluster.getWebsite(key));
          // A cache shows what it took in at some time before.
          const cached = await act('cache Website', () => cluster.getWebsite(key));
          return act('get cached Website', async () => cached);
        },
        getChild: (kind, key) =>
          absent.has(kind) ? cluster.getChild(kind, key) : act(`get ${kind}`, () => cluster.getChild(kind, key)),
        create(child) {
          if (absent.has(child.kind)) throw new Error(`No ${child.kind} was expected`);
          return act(`create ${child.kind}`, () => cluster.create(child));
        },
        replace: (child) => act(`replace ${child.kind}`, () => cluster.replace(child)),
        rehearse: (child) => act(`rehearse ${child.kind}`, () => cluster.rehearse(child)),
        delete: (child) => act(`delete ${child.kind}`, () => cluster.delete(child)),
        scale: (website, replicas) => act('scale Website', () => cluster.scale(website, replicas)),
        updateStatus: (website) => act('update status', () => cluster.updateStatus(website)),
        announce: (website, transition) => cluster.announce(website, transition),
        listWebsites: () => cluster.listWebsites(),
        listChildren: (kind) => cluster.listChildren(kind),
        listPods: (namespace, labels) => cluster.listPods(namespace, labels),
      },
    };
  }
}

/** The same calls in the same order, in whatever order they came. */
const inOrder = (calls: readonly Call[]): Call[] =>
  calls.toSorted((left, right) => left.actor - right.actor || left.name.localeCompare(right.name));

/** Everything has run that can run without a turn. */
const quiescence = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const digest = (value: unknown): string => (value === undefined ? 'nothing' : hash('sha1', JSON.stringify(value)));
