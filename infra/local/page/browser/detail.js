import { html, nothing } from 'lit-html';
import { address } from './list.js';
import { badge } from './looks.js';
import { runList } from './runs.js';
import { age } from './times.js';

/** @import { Detail } from '../shown.ts' */

/**
 * Everything about one Website. It is a link's target, so it may name a Website that does not exist.
 * @param {string} key
 * @param {Detail | undefined} detail undefined while it is being loaded.
 * @param {{ readonly now: number, readonly failure: string | undefined }} how
 */
export function detailView(key, detail, { now, failure }) {
  const [namespace, name] = key.split('/');
  return html`<div class="title">
      <h2 id="detail-title" tabindex="-1"><span class="namespace">${namespace}/</span>${name}</h2>
      <a class="close" href="#/" aria-label="Close" aria-keyshortcuts="Escape">✕</a>
    </div>
    ${failure === undefined ? nothing : html`<p class="error">${failure}</p>`}
    ${detail === undefined ? html`<p class="quiet">Loading …</p>` : content(detail, now)}`;
}

/**
 * @param {Detail} detail
 * @param {number} now
 */
function content(detail, now) {
  const { trouble, timeline } = detail;
  return html`${state(detail, now)} ${trouble.map((each) => html`<p class="error">${each}</p>`)}
    <h3>Timeline</h3>
    ${
      timeline.length === 0
        ? html`<p class="quiet">Nothing has been done yet.</p>`
        : runList(timeline, { now, naming: 'no Website' })
    }
    ${generations(detail, now)} ${events(detail, now)}`;
}

/**
 * @param {Detail} detail
 * @param {number} now
 */
function state({ website, toDo, pods, children, nextWrites }, now) {
  if (website === undefined) return html`<p class="quiet">This Website does not exist any more.</p>`;
  const { look, reason, fullMessage, since, image, available, desired, url, createdAt } = website;
  const waiting = pods.filter(({ cause }) => cause !== 'ready');
  return html`<p class="verdict">
      ${badge(look)} <span class="reason">${reason}</span> <span class="quiet">for ${age(since, now)}</span>
    </p>
    <p class="full-message">${fullMessage}</p>
    ${toDo === undefined ? nothing : html`<p class="to-do"><b>What to do</b> ${toDo}</p>`}
    <dl class="about">
      <div>
        <dt>Image</dt>
        <dd>${image}</dd>
      </div>
      <div>
        <dt>Available</dt>
        <dd>${available ?? '?'} of ${desired ?? '?'}</dd>
      </div>
      <div>
        <dt>Created</dt>
        <dd>${age(createdAt, now)} ago</dd>
      </div>
      ${
        url === undefined
          ? nothing
          : html`<div>
              <dt>URL</dt>
              <dd>${address(url)}</dd>
            </div>`
      }
      <div>
        <dt>Children</dt>
        <dd>
          ${children.length === 0 ? 'none' : children.map(({ kind, name, owner }) => html`<span class="child" title=${name}>${kind}${owner === 'this Website' ? nothing : html` <em>${owner === undefined ? 'is missing' : `of ${owner}`}</em>`}</span> `)}
        </dd>
      </div>
      ${
        nextWrites === undefined
          ? nothing
          : html`<div>
              <dt>Next reconcile</dt>
              <dd>${nextWrites.length === 0 ? 'writes nothing' : nextWrites.join(', ')}</dd>
            </div>`
      }
    </dl>
    ${
      waiting.length === 0
        ? nothing
        : html`<h3>Pods that are not ready</h3>
            <ul class="plain pods">
              ${[...Map.groupBy(waiting, ({ cause }) => cause)].map(
                ([cause, same]) => html`<li>${cause}${same.map(({ name }) => html`<code>${name}</code>`)}</li>`,
              )}
            </ul>`
    }`;
}

/**
 * @param {Detail} detail
 * @param {number} now
 */
function generations({ generations: entries }, now) {
  if (entries.length === 0) return nothing;
  return html`<h3>Generations</h3>
    <ul class="plain generations">
      ${entries.map(
        ({ generation, image, startedAt, readyAt, reason, message }, index) =>
          html`<li>
            <span class="number">${generation}</span>
            <span
              ><code>${image}</code> <span class="quiet">${age(startedAt, now)} ago,</span> ${
                readyAt === undefined
                  ? html`<span class="is-problem"
                        >${index === 0 ? 'not ready yet' : reason === undefined ? 'not judged' : 'never ready'}</span
                      >
                      <span class="quiet">${[reason, message].filter(Boolean).join(': ')}</span>`
                  : html`<span class="quiet"
                      >ready after ${(Date.parse(readyAt) - Date.parse(startedAt)) / 1000} s</span
                    >`
              }</span
            >
          </li>`,
      )}
    </ul>`;
}

/**
 * @param {Detail} detail
 * @param {number} now
 */
function events({ events: entries }, now) {
  if (entries.length === 0) return nothing;
  return html`<details class="cluster-events">
    <summary>Kubernetes Events (${entries.length})</summary>
    <ul class="plain">
      ${entries.map(
        ({ at, type, reason, about, message }) =>
          html`<li class=${type === 'Warning' ? 'warning' : ''}>
            <span class="quiet">${age(at, now)} ago</span> <b>${reason}</b> <span class="quiet">${about}</span>
            <span class="text">${message}</span>
          </li>`,
      )}
    </ul>
  </details>`;
}
