import { html, nothing } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { clock, day, span } from './times.js';

/** @import { Delivery, Run } from '../shown.ts' */

/** How a run is marked. @type {Readonly<Record<string, string>>} */
const LOOK_OF = { settled: 'ready', waiting: 'progressing', stalled: 'problem', failed: 'problem', gone: 'deleting' };

/**
 * Runs, the newest first.
 * @param {readonly Run[]} runs
 * @param {{ readonly now: number, readonly naming: 'each Website' | 'no Website' }} how
 */
export const runList = (runs, { now, naming }) =>
  html`<ol class="runs">
    ${repeat(
      runs,
      ({ id }) => id,
      (run) => item(run, now, naming === 'each Website' ? run.website : undefined),
    )}
  </ol>`;

/**
 * @param {Run} run
 * @param {number} now
 * @param {string | undefined} website
 */
function item(run, now, website) {
  const { at, event, eventId, outcome = 'sent', reason, error, changed, ms, delivery } = run;
  return html`<li class="run is-${LOOK_OF[outcome] ?? 'unseen'}">
    <div class="head">
      <time datetime=${new Date(at).toISOString()}><span class="day">${day(at, now)}</span> ${clock(at)}</time>
      ${ifGiven(website, (key) => html`<a href="#/${key}">${key}</a>`)}
      <span class="number">${ifGiven(ms, span)}</span>
    </div>
    <p class="decision">
      <span class="event" title=${eventId ?? 'without an event'}>${event}</span>
      <span class="arrow" role="img" aria-label="led to">→</span> <b>${outcome}</b>
      ${ifGiven(reason, (text) => html`<span class="quiet">${text}</span>`)}
    </p>
    ${ifGiven(error, (text) => html`<p class="error">${text}</p>`)}
    <div class="tail">
      ${writes(run)} ${ifGiven(delivery, (each) => html`<span class="quiet">${deliveryText(each)}</span>`)}
    </div>
    ${
      changed.length === 0
        ? nothing
        : html`<ul class="fields" aria-label="Changed fields">
            ${changed.map((each) => html`<li><code>${each}</code></li>`)}
          </ul>`
    }
  </li>`;
}

/**
 * @template T
 * @param {T | undefined} value
 * @param {(value: T) => unknown} show
 */
const ifGiven = (value, show) => (value === undefined ? nothing : show(value));

/** @param {Run} run */
function writes({ actions, outcome = '' }) {
  if (actions.length > 0)
    return html`<ul class="writes" aria-label="Writes">
      ${actions.map((each) => html`<li>${each}</li>`)}
    </ul>`;
  return ['settled', 'waiting', 'stalled'].includes(outcome)
    ? html`<span class="quiet">nothing to write</span>`
    : nothing;
}

/** @param {Delivery} delivery */
function deliveryText({ result, attempts, ms, why }) {
  const nth = attempts === 1 ? '' : `, attempt ${attempts}`;
  if (result === 'accepted') return `delivered in ${span(ms)}${nth}`;
  const what = result === 'rejected' ? 'The functions rejected the event' : 'Could not deliver the event';
  return `${what}${nth}: ${why ?? 'no reason given'}`;
}
