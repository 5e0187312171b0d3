import { html, nothing } from 'lit-html';
import { icon, LOOKS, ORDER } from './looks.js';
import { span } from './times.js';

/** @import { Store } from './store.js' */
/** @import { ForwarderView } from '../shown.ts' */

/** @param {Store} store */
export function overview(store) {
  const { forwarder } = store;
  return html`${websites(store)}
  ${forwarder === null ? waiting() : [queue(forwarder), deliveries(forwarder), health(forwarder)]}`;
}

/** @param {Store} store */
function websites(store) {
  const counts = store.counts();
  const present = ORDER.filter((look) => counts.has(look));
  return html`<div class="tile">
    <h2>Websites</h2>
    <p class="figure">${store.rows.size}</p>
    <ul class="plain counts">
      ${present.map((look) => html`<li class="is-${look}">${icon(look)}<b>${counts.get(look)}</b> ${LOOKS[look].word.toLowerCase()}</li>`)}
    </ul>
  </div>`;
}

const waiting = () =>
  html`<div class="tile">
    <h2>Forwarder</h2>
    <p class="quiet">Starting …</p>
  </div>`;

/** @param {ForwarderView} forwarder */
function queue({ queue: { queued, delayed, atWork, oldestSeconds }, state }) {
  const isLate = oldestSeconds >= 30;
  return html`<div class="tile">
    <h2>Queue</h2>
    <p class="figure">${state === 'away' ? '–' : queued + delayed + atWork}</p>
    <dl class="facts">
      <div>
        <dt>waiting</dt>
        <dd>${queued}</dd>
      </div>
      <div>
        <dt>delayed</dt>
        <dd>${delayed}</dd>
      </div>
      <div>
        <dt>at work</dt>
        <dd>${atWork}</dd>
      </div>
      <div class=${isLate ? 'is-problem' : ''}>
        <dt>oldest undelivered</dt>
        <dd>${queued + delayed + atWork === 0 ? '–' : `${oldestSeconds} s`}</dd>
      </div>
    </dl>
  </div>`;
}

/** @param {ForwarderView} forwarder */
function deliveries({ deliveries: { accepted, rejected, failed, medianMs } }) {
  return html`<div class="tile">
    <h2>Events delivered</h2>
    <p class="figure">${accepted}</p>
    <dl class="facts">
      <div class=${rejected > 0 ? 'is-problem' : ''}>
        <dt>rejected</dt>
        <dd>${rejected}</dd>
      </div>
      <div class=${failed > 0 ? 'is-progressing' : ''}>
        <dt>failed attempts</dt>
        <dd>${failed}</dd>
      </div>
      <div>
        <dt>median</dt>
        <dd>${medianMs === undefined ? '–' : `≤ ${span(medianMs)}`}</dd>
      </div>
    </dl>
  </div>`;
}

const STATES = /** @type {const} */ ({
  ready: ['ready', 'Ready'],
  'not ready': ['progressing', 'Not ready'],
  away: ['problem', 'Does not answer'],
});

/** @param {ForwarderView} forwarder */
function health({ state, problems, watches }) {
  const [look, word] = STATES[state];
  const open = watches.filter(({ isConnected }) => isConnected).length;
  return html`<div class="tile">
    <h2>Forwarder</h2>
    <p class="figure is-${look}">${icon(look)}${word}</p>
    ${
      problems.length === 0
        ? nothing
        : html`<ul class="plain problems">
            ${problems.map((each) => html`<li>${each}</li>`)}
          </ul>`
    }
    <details class="watches">
      <summary>${open} of ${watches.length} watches open</summary>
      <ul class="plain">
        ${watches.map(
          ({ resource, isConnected, objects }) =>
            html`<li class="is-${isConnected ? 'ready' : 'problem'}">
              ${icon(isConnected ? 'ready' : 'problem')}<span>${resource}</span><span class="number">${objects}</span>
            </li>`,
        )}
      </ul>
    </details>
  </div>`;
}
