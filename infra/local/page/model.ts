import { keyText, type Website } from '../../../functions/website/resource.ts';
import { rowOf } from './row.ts';
import { Runs } from './runs.ts';
import type { Changes, ForwarderView, Run, Snapshot, WebsiteRow } from './shown.ts';

/** Most runs in one message. The page shows no more of them. */
const MOST_SENT_RUNS = 30;

/** What the overview shows, and what has changed since the last call of `changes`. */
export class Model {
  readonly runs = new Runs();
  readonly #server: string;
  readonly #rows = new Map<string, WebsiteRow>();
  #forwarder: ForwarderView | null = null;
  #trouble: string | null = null;
  #silentSeconds: number | null = null;
  /** Keys of rows that changed or are gone. */
  readonly #touched = new Set<string>();
  readonly #newRuns = new Map<string, Run>();
  #changes: Pick<Changes, 'forwarder' | 'trouble' | 'silentSeconds'> = {};
  /** Called after each change. */
  changed: () => void = () => {};

  constructor(server: string) {
    this.#server = server;
  }

  see(website: Website, isUnwritten = false): void {
    const row = rowOf(website, isUnwritten);
    const key = keyText(website.metadata);
    if (isSame(this.#rows.get(key), row)) return;
    this.#rows.set(key, row);
    this.#touch(key);
  }

  forget(key: string): void {
    if (this.#rows.delete(key)) this.#touch(key);
  }

  /** @param line that a program logged. */
  take(line: object): void {
    const run = this.runs.take(line);
    if (run === undefined) return;
    this.#newRuns.delete(run.id);
    this.#newRuns.set(run.id, run);
    const [oldest] = this.#newRuns.size > MOST_SENT_RUNS ? this.#newRuns.keys() : [];
    if (oldest !== undefined) this.#newRuns.delete(oldest);
    this.changed();
  }

  set forwarder(forwarder: ForwarderView) {
    if (isSame(this.#forwarder, forwarder)) return;
    this.#forwarder = forwarder;
    this.#changes = { ...this.#changes, forwarder };
    this.changed();
  }

  /** Why the Websites cannot be followed. */
  set trouble(trouble: string | null) {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#changes = { ...this.#changes, trouble };
    this.changed();
  }

  set silentSeconds(silentSeconds: number | null) {
    if (this.#silentSeconds === silentSeconds) return;
    this.#silentSeconds = silentSeconds;
    this.#changes = { ...this.#changes, silentSeconds };
    this.changed();
  }

  snapshot(): Snapshot {
    return {
      server: this.#server,
      trouble: this.#trouble,
      silentSeconds: this.#silentSeconds,
      forwarder: this.#forwarder,
      websites: [...this.#rows.values()],
      runs: this.runs.latest(MOST_SENT_RUNS),
    };
  }

  /** What changed since the last call. */
  changes(): Changes {
    const keys = [...this.#touched];
    const websites = keys.flatMap((key) => this.#rows.get(key) ?? []);
    const gone = keys.filter((key) => !this.#rows.has(key));
    const runs = [...this.#newRuns.values()];
    const changes: Changes = {
      ...this.#changes,
      ...(websites.length === 0 ? {} : { websites }),
      ...(gone.length === 0 ? {} : { gone }),
      ...(runs.length === 0 ? {} : { runs }),
    };
    this.#touched.clear();
    this.#newRuns.clear();
    this.#changes = {};
    return changes;
  }

  #touch(key: string): void {
    this.#touched.add(key);
    this.changed();
  }
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
