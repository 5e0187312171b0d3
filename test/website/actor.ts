import { hash } from 'node:crypto';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { around, callText } from '../cluster/around.ts';
import { textOf } from '../cluster/frozen.ts';
import type { MemoryCluster } from '../cluster/memory.ts';

/** What an actor does its work by: everything it does waits for its turn. */
export interface Turns {
  readonly cluster: Cluster;
  readonly act: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** What an actor waits for. */
export interface Call {
  /** How many calls the actor had made before. */
  readonly place: number;
  readonly name: string;
  readonly work: () => Promise<unknown>;
}

/** The progress of an actor. With the same answers to its calls, it continues in the same way. */
export interface Mind {
  readonly id: number;
  readonly answers: readonly Answer[];
  /** The calls that wait for their turn. Empty once the actor has ended. */
  readonly calls: readonly Call[];
  /** Of what it threw. */
  readonly failure: { readonly cause: unknown } | undefined;
}

interface Answer {
  readonly place: number;
  readonly name: string;
  readonly settled: PromiseSettledResult<unknown>;
  readonly text: string;
}

/** What the calls of an actor are about. */
export interface Stage {
  readonly cluster: MemoryCluster;
  /**
   * Kinds whose objects change on some way. Reading another kind comes to the same in every order, so it takes no turn. That keeps the
   * number of orders independent of how many kinds there are.
   */
  readonly changing: ReadonlySet<string>;
}

/** One of the actors that overlap. It knows nothing but the answers to its calls, and runs once for each set of them. */
export class Actor {
  readonly #run: (turns: Turns) => Promise<unknown>;
  readonly #stage: Stage;
  readonly #minds = new Map<string, Mind>();
  /** Those that have come as far as a mind, and have not been continued from there. */
  readonly #paused = new Map<Mind, Play>();

  constructor(run: (turns: Turns) => Promise<unknown>, stage: Stage) {
    this.#run = run;
    this.#stage = stage;
  }

  async begin(): Promise<Mind> {
    return this.#minds.get(nameOf([])) ?? this.#mindOf(await this.#play([]), []);
  }

  /** Makes one of the calls on the stage as it is now. @returns how far the actor comes with the answer. */
  async after(mind: Mind, { place, name, work }: Call): Promise<Mind> {
    const [settled] = await Promise.allSettled([(async () => work())()]);
    const text =
      settled.status === 'rejected' ? `failed with ${String(settled.reason)}` : hash('sha1', textOf(settled.value));
    const answer = { place, name, settled, text };
    const answers = [...mind.answers, answer];
    const known = this.#minds.get(nameOf(answers));
    if (known !== undefined) return known;
    const play = this.#paused.get(mind) ?? (await this.#play(mind.answers));
    this.#paused.delete(mind);
    await play.take(answer);
    return this.#mindOf(play, answers);
  }

  async #play(answers: readonly Answer[]): Promise<Play> {
    const play = new Play(this.#run, this.#stage);
    await quiescence();
    for (const answer of answers) await play.take(answer);
    return play;
  }

  #mindOf(play: Play, answers: readonly Answer[]): Mind {
    const { waiting: calls, failure } = play;
    const mind = { id: this.#minds.size, answers, calls, failure };
    this.#minds.set(nameOf(answers), mind);
    this.#paused.set(mind, play);
    return mind;
  }
}

/** Is the same for every order in which overlapping calls were made and answered. */
const nameOf = (answers: readonly Answer[]): string =>
  answers
    .toSorted((left, right) => (left.name === right.name ? left.place - right.place : left.name < right.name ? -1 : 1))
    .map(({ name, text }) => `${name}=${text}`)
    .join();

/** One run of an actor, which stands still while calls wait for their answers. */
class Play {
  readonly #calls: (Call & PromiseWithResolvers<unknown>)[] = [];
  readonly #answered = new Set<number>();
  failure: Mind['failure'];

  constructor(run: (turns: Turns) => Promise<unknown>, stage: Stage) {
    const act = <T>(name: string, work: () => Promise<T>): Promise<T> => {
      const call = { place: this.#calls.length, name, work, ...Promise.withResolvers<unknown>() };
      this.#calls.push(call);
      return call.promise as Promise<T>;
    };
    run({ act, cluster: takingTurns(stage, act) }).catch((cause: unknown) => (this.failure = { cause }));
  }

  get waiting(): readonly Call[] {
    return this.#calls
      .filter(({ place }) => !this.#answered.has(place))
      .map(({ place, name, work }) => ({ place, name, work }));
  }

  async take({ place, settled }: Answer): Promise<void> {
    this.#answered.add(place);
    if (settled.status === 'fulfilled') this.#calls[place]?.resolve(settled.value);
    else this.#calls[place]?.reject(settled.reason);
    await quiescence();
  }
}

const takingTurns = ({ cluster, changing }: Stage, act: Turns['act']): Cluster =>
  around(cluster, async (call, proceed) => {
    // A cache shows what it took in at some time before. So does every other read by the time that the actor goes on.
    const isFixed = call.verb.startsWith('get') && !changing.has(call.kind);
    return isFixed ? proceed() : act(callText(call), proceed);
  });

/** Everything has run that can run without an answer. */
const quiescence = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
