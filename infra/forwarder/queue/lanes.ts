import { Bucket, type Rate } from '../../../functions/bucket.ts';
import { Line, type Place } from './line.ts';
import type { Room } from './room.ts';

/**
 * - `fast`: changes that a watch reveals.
 * - `listed`: changes that a list reveals. There may be thousands, so they do not delay those of the watches.
 * - `slow`: what may wait for changes.
 * - `soon`: looks that the sink asked for after a short wait. A look that could not start for `SOON_MS` goes to `later`.
 * - `later`: looks after a longer wait, and those that a list begins.
 */
export type Lane = 'fast' | 'listed' | 'slow' | 'soon' | 'later';

interface Waiting extends Place {
  readonly lane: Lane;
  /** How often it was tried, and this time. */
  readonly attempt: number;
}

/**
 * The limit of looks. Without it, 20,000 Websites that are not ready would need a thousand looks a second at first, and 170 after some
 * minutes. A look is three reads and a list of Pods. It takes 5 to 9 ms of CPU of the API server and etcd, and 3 to 5 of the functions.
 * So 20 looks a second take at most a fifth of a core of the API server and etcd, and a tenth of a core of the functions.
 *
 * A rollout that lasts is looked at every 120 s, so no look is late with up to 2,400 of them. The first minutes need more looks: the
 * burst is enough for 300 rollouts that begin at the same time.
 */
export const LOOKS: Rate = { burst: 1_700, perSecond: 20 };

/** A Website that is not ready names a new cause within this time. Only a look finds a cause in the Pods, because no event reports it. */
const SOON_MS = 15_000;

/** Every eighth turn belongs to the other lane, so that it never starves. */
const SHARE = 8;

/** A batch holds as many changes, and all are of one namespace (`infra/forwarder/sink/batches.ts`). */
const IN_A_ROW = 4;

export const isLook = (lane: Lane): boolean => lane === 'soon' || lane === 'later';
export const isChange = (lane: Lane): boolean => lane === 'fast' || lane === 'listed';

/** The lane of a look, by how long it waits until it is due. */
export const laneOfLook = (afterMs: number): Lane => (afterMs <= SOON_MS ? 'soon' : 'later');

type Take = (now: number, room: Room) => string | undefined;

/** Takes from `first`, but every `share`th time from `second`. */
function sharing(share: number, first: Take, second: Take): Take {
  let turns = 0;
  return (now, room) => {
    const [one, other] = ++turns % share === 0 ? [second, first] : [first, second];
    return one(now, room) ?? other(now, room);
  };
}

const ifRoom =
  (take: Take): Take =>
  (now, room) =>
    room.hasRoomForOthers ? take(now, room) : undefined;

const change =
  (line: Line): Take =>
  (_, { mayStart }) =>
    line.take(mayStart)?.key;

const other =
  (line: Line): Take =>
  (_, { mayStartOther }) =>
    line.take(mayStartOther)?.key;

function limited(bucket: Bucket, take: Take): Take {
  return (now, room) => {
    if (bucket.waitMs(now) > 0) return undefined;
    const key = take(now, room);
    if (key !== undefined) bucket.spend(now);
    return key;
  };
}

/** The keys that wait for their turn. Decides which one is next. */
export class Lanes {
  readonly #fast = new Line(IN_A_ROW);
  readonly #listed = new Line(IN_A_ROW);
  /** Changes whose delivery failed. */
  readonly #again = new Line();
  readonly #slow = new Line();
  readonly #soon = new Line<Place & { readonly until: number }>();
  readonly #later = new Line();
  readonly #limit: Bucket;
  /** Removes the next key from its line. */
  readonly take: Take;

  constructor(rate: Rate) {
    this.#limit = new Bucket(rate);
    const looks = sharing(SHARE, (now, room) => this.#takeSoon(now, room), other(this.#later));
    const others = sharing(2, other(this.#slow), limited(this.#limit, looks));
    const news = sharing(2, change(this.#fast), change(this.#listed));
    const changes = sharing(2, news, ifRoom(other(this.#again)));
    this.take = sharing(SHARE, changes, ifRoom(others));
  }

  add({ key, group, lane, attempt }: Waiting, now: number): void {
    // A look that failed keeps its place before the later ones, however old it is.
    if (lane === 'soon') this.#soon.add({ key, group, until: attempt === 1 ? now + SOON_MS : Infinity });
    else if (attempt > 1 && !isLook(lane)) this.#again.add({ key, group });
    else this.#of(lane).add({ key, group });
  }

  delete(place: Place): void {
    for (const line of [this.#fast, this.#listed, this.#again, this.#slow, this.#soon, this.#later]) line.delete(place);
  }

  /** How long until the limit lets the next look start, in milliseconds. Undefined if no look waits. */
  nextLookMs(now: number): number | undefined {
    return this.#soon.isEmpty && this.#later.isEmpty ? undefined : this.#limit.waitMs(now);
  }

  #of(lane: Exclude<Lane, 'soon'>): Line {
    return { fast: this.#fast, listed: this.#listed, slow: this.#slow, later: this.#later }[lane];
  }

  /** Moves looks that are late already to `later`. So if there are more looks than the limit allows, some are still in time. */
  #takeSoon(now: number, { mayStartOther }: Room): string | undefined {
    for (;;) {
      const next = this.#soon.take(mayStartOther);
      if (next === undefined || next.until >= now) return next?.key;
      this.#later.add(next);
    }
  }
}
