import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.ts';
import { Load, type Life } from './load.ts';
import { apiFaults, sinkFaults } from './menus.ts';
import { randomFaults, randomFrom } from './random.ts';
import { settling, type Seen } from './settle.ts';
import { firstDeliveries, type Received } from './sink.ts';
import { forceList, openStage, WATCH, type Access, type Stage } from './stage.ts';

export interface RandomRun {
  readonly seed: number;
  /** How long things go wrong. */
  readonly seconds: number;
  /** Whether the API server loses changes without a sign of it; a list makes that good at the end. */
  readonly faults: 'honest' | 'lossy';
  /** How events are sent. */
  readonly mode: 'binary' | 'batched';
}

/** What a run came to, for people. */
export interface RunResult {
  readonly websites: number;
  readonly faults: number;
  readonly accepted: number;
  readonly again: number;
  readonly healedMs: number;
}

/** A failed run, with all that happened in it. */
export class RandomRunError extends Error {
  override readonly name = 'RandomRunError';
}

const NAMES = Array.from({ length: 24 }, (_, index) => `site-${index}`);
const [UNSEEN, UNSENT] = [NAMES.slice(0, 12), NAMES.slice(12)];
const SLOWEST_SINK_MS = 150;
const SHARE = 0.3;
/** The share of events that the sink itself does not take. */
const REFUSED = 0.1;
/** The longest backoff is 30 s. */
const HEAL_MS = 50_000;

/**
 * Websites are made, changed and deleted while requests on both sides of a forwarder go wrong; then nothing does, and what
 * was promised has to hold.
 * @throws RandomRunError with the seed and the history.
 */
export async function randomRun(access: Access, run: RandomRun): Promise<RunResult> {
  const stage = await openStage(access, 'random');
  const began = performance.now();
  const history: string[] = [];
  const teller = (who: string) => (line: string) =>
    void history.push(`${((performance.now() - began) / 1000).toFixed(3)} ${who}: ${line}`);
  try {
    const { lives, seen } = await troubledTimes(stage, run, teller);
    const healed = performance.now();
    await eventually(() => checkArrival(stage.sink.accepted, lives, seen), { deadlineMs: HEAL_MS });
    const healedMs = Math.round(performance.now() - healed);
    checkOrder(stage.sink.accepted);
    checkLists(stage.api.requests);
    const { length: accepted } = stage.sink.accepted;
    const again = accepted - firstDeliveries(stage.sink.accepted).length;
    const faults = history.filter((line) => / (API server|sink): /.test(line)).length;
    return { websites: lives.size, faults, accepted, again, healedMs };
  } catch (error) {
    for (const { at, ...event } of stage.sink.accepted)
      history.push(`${((at - began) / 1000).toFixed(3)} sink accepted: ${JSON.stringify(event)}`);
    history.sort((one, other) => Number.parseFloat(one) - Number.parseFloat(other));
    const why = error instanceof Error ? error.message : String(error);
    throw new RandomRunError(`Seed ${run.seed}, ${run.faults}, ${run.mode}: ${why}\n${history.join('\n')}`, {
      cause: error,
    });
  } finally {
    await stage.close();
  }
}

async function troubledTimes(
  stage: Stage,
  { seed, seconds, faults, mode }: RandomRun,
  teller: (who: string) => (line: string) => void,
): Promise<{ lives: ReadonlyMap<string, Life>; seen: ReadonlyMap<string, Seen> }> {
  const random = randomFrom(seed);
  const fork = () => Math.floor(random() * 2 ** 32);
  const tell = teller('API server');
  const seen = settling(stage);
  // Time enough for a Website to change while an event of it is on its way.
  const pace = randomFrom(fork());
  stage.sink.answer = () => ({
    status: pace() < REFUSED ? 503 : 204,
    after: delay(SLOWEST_SINK_MS * pace()),
  });
  stage.api.misbehave(randomFaults({ seed: fork(), menu: apiFaults(faults), share: SHARE, tell }));
  stage.wire.misbehave(randomFaults({ seed: fork(), menu: sinkFaults, share: SHARE, tell: teller('sink') }));
  await stage.start('--timeout', '2', '--mode', mode);
  const load = new Load({ stage, random: randomFrom(fork()), tell: teller('user') });
  await load.run(seconds, NAMES, () => {
    tell('cuts all connections');
    stage.api.cutAll();
  });

  // The last that happens to some of them happens while the forwarder sees nothing, and to others while the sink fails.
  tell('shows no more changes');
  stage.api.add({ path: WATCH, fault: faults === 'lossy' ? { freeze: true } : { drop: 'before' } });
  stage.api.cutAll();
  for (const name of UNSEEN) await load.change(name, 0.6);
  await heal(stage, faults, tell);
  for (const name of [...UNSENT, ...UNSENT, ...UNSENT]) await load.change(name, 0.3);
  stage.wire.heal();
  stage.sink.answer = () => ({});
  teller('sink')('heals');
  return { lives: load.lives, seen };
}

/** Ends the faults of the API server, and waits until the forwarder has noticed. */
async function heal({ api }: Stage, faults: RandomRun['faults'], tell: (line: string) => void): Promise<void> {
  const before = api.requests.length;
  tell('heals');
  api.heal();
  if (faults === 'lossy') forceList(api);
  const watches = () => api.requests.slice(before).filter((request) => WATCH.test(request)).length;
  await eventually(
    () => {
      if (watches() < (faults === 'lossy' ? 2 : 1)) throw new Error('The forwarder did not come back');
    },
    { deadlineMs: HEAL_MS },
  );
}

/**
 * The last state of every Website was delivered, or superseded by a newer event of its name, or has been read: for an event
 * of another Website of this name, for one. Such a Website is settled, and a list finds nothing to tell of it.
 */
function checkArrival(
  accepted: readonly Received[],
  lives: ReadonlyMap<string, Life>,
  seen: ReadonlyMap<string, Seen>,
): void {
  const lastOf = new Map(firstDeliveries(accepted).map((event) => [event.name, event]));
  const hasArrived = ({ name, uid, version, isDeleted }: Life): boolean => {
    const last = lastOf.get(name);
    const isLast = last?.uid === uid;
    // A Website without any event needs no deleted event.
    if (isDeleted) return !isLast || last.type === 'deleted';
    if (isLast && last.type === 'changed' && Number(last.resourceVersion) >= version) return true;
    return (seen.get(uid)?.version ?? 0) >= version;
  };
  const lost = [...lives.values()].filter((life) => !hasArrived(life));
  const words = lost.map(
    (life) => `${JSON.stringify(life)}; the last event is ${JSON.stringify(lastOf.get(life.name))}`,
  );
  if (lost.length > 0) throw new Error(`Lost ${words.join('; ')}`);
}

/** Versions of one name never go back, and after the deletion of a Website there is nothing more of it. */
function checkOrder(accepted: readonly Received[]): void {
  const versions = new Map<string, number>();
  const gone = new Set<string>();
  for (const event of firstDeliveries(accepted)) {
    const version = Number(event.resourceVersion ?? versions.get(event.name) ?? 0);
    if (version < (versions.get(event.name) ?? 0)) throw new Error(`Went back: ${JSON.stringify(event)}`);
    if (gone.has(event.uid)) throw new Error(`Came after its deletion: ${JSON.stringify(event)}`);
    versions.set(event.name, version);
    if (event.type === 'deleted') gone.add(event.uid);
  }
}

/** A list that a cache may answer can say that Websites are gone which are not. */
function checkLists(requests: readonly string[]): void {
  const wrong = requests.find((request) => !request.includes('watch=1') && request.includes('resourceVersion'));
  if (wrong !== undefined) throw new Error(`Asked for a list from a cache: ${wrong}`);
}
