/** @import { Detail } from '../shown.ts' */

/** Changes of one Website come in bursts, and each answer costs the API server some reads. */
const GATHER_MS = 250;

/**
 * @typedef {object} Loaded
 * @property {string} key
 * @property {Detail} [detail] absent if the server did not answer.
 * @property {string | undefined} failure why not.
 */

/** Loads everything about one Website, one request at a time. */
export class Loader {
  #key = '';
  #isDue = false;
  #isAtWork = false;
  #loaded;

  /** @param {(loaded: Loaded) => void} loaded */
  constructor(loaded) {
    this.#loaded = loaded;
  }

  /** @param {string} key */
  loadSoon(key) {
    this.#key = key;
    this.#isDue = true;
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    setTimeout(() => this.#work(), GATHER_MS);
  }

  async #work() {
    this.#isDue = false;
    this.#loaded(await load(this.#key));
    this.#isAtWork = false;
    if (this.#isDue) this.loadSoon(this.#key);
  }
}

/**
 * @param {string} key
 * @returns {Promise<Loaded>}
 */
async function load(key) {
  const [namespace = '', name = ''] = key.split('/');
  try {
    const answer = await fetch(`/website?${new URLSearchParams({ namespace, name })}`);
    if (!answer.ok) return { key, failure: await answer.text() };
    return { key, detail: await answer.json(), failure: undefined };
  } catch {
    // The banner says that the connection is lost.
    return { key, failure: undefined };
  }
}
