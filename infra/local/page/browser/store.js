// What the page knows, and what of it the list shows. Without the DOM, so that tests need no browser.

/** @import { Changes, ForwarderView, Look, Run, Snapshot, WebsiteRow } from '../shown.ts' */

/** Runs of all Websites that the page keeps. */
const MOST_RUNS = 30;

export class Store {
  server = '';
  /** @type {string | null} */
  trouble = null;
  /** @type {number | null} */
  silentSeconds = null;
  /** @type {ForwarderView | null} */
  forwarder = null;
  /** @type {Map<string, WebsiteRow>} */
  rows = new Map();
  /** By id, the latest last. @type {Map<string, Run>} */
  runs = new Map();
  /** The rows by key. Undefined once a row has come or gone. @type {WebsiteRow[] | undefined} */
  #sorted;

  /** @param {Snapshot} snapshot */
  replace({ server, trouble, silentSeconds, forwarder, websites, runs }) {
    Object.assign(this, { server, trouble, silentSeconds, forwarder });
    this.rows = new Map(websites.map((row) => [row.key, row]));
    this.runs = new Map(runs.map((run) => [run.id, run]));
    this.#sorted = undefined;
  }

  /**
   * @param {Changes} changes
   * @returns {WebsiteRow[]} the rows whose look changed.
   */
  apply({ websites = [], gone = [], runs = [], ...states }) {
    Object.assign(this, states);
    const turned = websites.filter(({ key, look }) => this.rows.get(key)?.look !== look);
    for (const row of websites) this.rows.set(row.key, row);
    for (const key of gone) this.rows.delete(key);
    if (websites.length + gone.length > 0) this.#sorted = undefined;
    this.#add(runs);
    return turned;
  }

  /** @param {readonly Run[]} runs */
  #add(runs) {
    for (const run of runs) {
      this.runs.delete(run.id);
      this.runs.set(run.id, run);
    }
    for (const id of [...this.runs.keys()].slice(0, -MOST_RUNS)) this.runs.delete(id);
  }

  /** @returns {Map<Look, number>} how many Websites there are of each look. */
  counts() {
    /** @type {Map<Look, number>} */
    const counts = new Map();
    for (const { look } of this.rows.values()) counts.set(look, (counts.get(look) ?? 0) + 1);
    return counts;
  }

  /**
   * The rows by name, and those of them that the user wants to see.
   * @param {{ readonly text: string, readonly onlyNotReady: boolean }} wanted
   */
  wanted({ text, onlyNotReady }) {
    this.#sorted ??= [...this.rows.values()].toSorted((one, other) => (one.key < other.key ? -1 : 1));
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return this.#sorted.filter((row) => {
      if (onlyNotReady && row.look === 'ready') return false;
      if (words.length === 0) return true;
      const all = `${row.key} ${row.reason} ${row.message} ${row.image}`.toLowerCase();
      return words.every((word) => all.includes(word));
    });
  }
}
