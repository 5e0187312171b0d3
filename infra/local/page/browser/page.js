// The page in the browser: it follows the server and draws what it knows.
import { html, nothing, render } from 'lit-html';
import { follow } from './connection.js';
import { detailView } from './detail.js';
import { focusRow, handleKeys } from './keys.js';
import { websiteList } from './list.js';
import { Loader } from './loader.js';
import { LOOKS } from './looks.js';
import { overview } from './overview.js';
import { runList } from './runs.js';
import { Store } from './store.js';

/** @import { Detail, WebsiteRow } from '../shown.ts' */

/** More rows than this are drawn only if the user asks. */
const ROWS = 200;
/** How long a row that changed is highlighted. */
const FRESH_MS = 2_000;

const store = new Store();
const view = {
  /** @type {'connecting' | 'live' | 'lost'} */
  connection: 'connecting',
  text: '',
  onlyNotReady: false,
  shown: ROWS,
  /** @type {string | undefined} */
  selected: undefined,
  /** @type {Detail | undefined} */
  detail: undefined,
  /** @type {string | undefined} */
  failure: undefined,
};
/** When each row last changed its look. @type {Map<string, number>} */
const changedAt = new Map();

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

let isDrawing = false;
/** Draws once, however much has changed until then. */
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    drawNow(Date.now());
  });
}

/** @param {number} now */
function drawNow(now) {
  const { selected, detail, failure } = view;
  for (const [key, at] of changedAt) if (now - at > FRESH_MS) changedAt.delete(key);
  document.body.classList.toggle('has-selection', selected !== undefined);
  document.body.classList.toggle('is-lost', view.connection === 'lost');
  document.title = titleText();
  render(top(), part('top'));
  render(view.connection === 'connecting' ? nothing : overview(store), part('overview'));
  const wanted = store.wanted(view);
  const list = {
    ...view,
    wanted,
    total: store.rows.size,
    now,
    isFresh: (/** @type {string} */ key) => changedAt.has(key),
  };
  render(websiteList(list, listActions), part('websites'));
  part('side').setAttribute('aria-label', selected ?? 'Activity');
  render(selected === undefined ? activity(now) : detailView(selected, detail, { now, failure }), part('side'));
}

function titleText() {
  const count = store.counts().get('problem') ?? 0;
  return count === 0 ? 'Website Reconciler' : `(${count} not ready) Website Reconciler`;
}

const CONNECTIONS = {
  connecting: html`<span class="live is-unseen">Connecting …</span>`,
  live: html`<span class="live is-ready">Live</span>`,
  lost: html`<span class="live is-problem">Disconnected</span>`,
};

const top = () =>
  html`<h1>Website Reconciler</h1>
    <p class="server">${store.server}</p>
    <p role="status">${CONNECTIONS[view.connection]}</p>
    ${banner()}`;

function banner() {
  const { trouble, silentSeconds } = store;
  if (view.connection === 'lost')
    return html`<p class="banner">
      npm start has ended or does not answer. This is how it was before. The page tries to connect again.
    </p>`;
  if (trouble !== null)
    return html`<p class="banner">The API server does not answer, so this is how it was before: ${trouble}</p>`;
  if (silentSeconds !== null)
    return html`<p class="banner">
      The API server has not answered for ${silentSeconds} s. This is how it was before.
    </p>`;
  return nothing;
}

/** @param {number} now */
const activity = (now) =>
  html`<h2>Activity</h2>
    ${
      store.runs.size === 0
        ? html`<p class="quiet">Nothing has happened yet.</p>`
        : runList([...store.runs.values()].toReversed(), { now, naming: 'each Website' })
    }
    <p class="keys" aria-hidden="true">
      <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>Esc</kbd> close <kbd>/</kbd> filter <kbd>n</kbd> not
      ready only
    </p>`;

/** Drawn at once, because the next key may move to a row that is only then there. */
const listActions = {
  /** @param {string} text */
  filter(text) {
    view.text = text;
    view.shown = ROWS;
    drawNow(Date.now());
  },
  /** @param {boolean} only */
  only(only) {
    view.onlyNotReady = only;
    view.shown = ROWS;
    drawNow(Date.now());
  },
  more() {
    view.shown += ROWS;
    drawNow(Date.now());
  },
};

const loader = new Loader((answer) => {
  if (view.selected !== answer.key) return;
  Object.assign(view, answer);
  draw();
});
const loadSoon = () => {
  if (view.selected !== undefined) loader.loadSoon(view.selected);
};

/** The address names the selected Website, so that it can be shared and the browser's Back works. */
function select() {
  const before = view.selected;
  const [, key] = /^#\/([^/%]+\/[^/%]+)$/.exec(location.hash) ?? [];
  if (key === before) return;
  Object.assign(view, { selected: key, detail: undefined, failure: undefined });
  drawNow(Date.now());
  if (key === undefined) focusRow(before ?? '');
  else {
    part('detail-title').focus({ preventScroll: true });
    part('side').scrollTop = 0;
    loadSoon();
  }
}

/** @param {readonly WebsiteRow[]} turned */
function announce(turned) {
  const now = Date.now();
  for (const { key } of turned) changedAt.set(key, now);
  if (turned.length === 0) return;
  const [first] = turned;
  part('announcements').textContent =
    turned.length === 1 && first !== undefined
      ? `${first.key}: ${LOOKS[first.look].word}, ${first.reason}`
      : `${turned.length} Websites changed their state`;
}

follow({
  snapshot(snapshot) {
    store.replace(snapshot);
    view.connection = 'live';
    loadSoon();
    draw();
  },
  changes(changes) {
    announce(store.apply(changes));
    const { websites = [], gone = [], runs = [] } = changes;
    const touched = [...websites.map(({ key }) => key), ...gone, ...runs.map(({ website }) => website)];
    if (view.selected !== undefined && touched.includes(view.selected)) loadSoon();
    draw();
  },
  lost() {
    view.connection = 'lost';
    draw();
  },
});
handleKeys({
  close: () => {
    location.hash = '#/';
  },
  toggle: () => listActions.only(!view.onlyNotReady),
});
window.addEventListener('hashchange', select);
// Ages grow although nothing happens.
setInterval(() => {
  if (!document.hidden) draw();
}, 1_000);
drawNow(Date.now());
select();
