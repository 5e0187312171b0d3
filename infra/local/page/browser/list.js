import { html, nothing } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { badge } from './looks.js';
import { age } from './times.js';

/** @import { WebsiteRow } from '../shown.ts' */

/**
 * @typedef {object} List
 * @property {readonly WebsiteRow[]} wanted all rows that match the filter.
 * @property {number} total
 * @property {number} shown how many rows are drawn at most.
 * @property {string} text of the filter.
 * @property {boolean} onlyNotReady
 * @property {string | undefined} selected
 * @property {(key: string) => boolean} isFresh whether the row changed just now.
 * @property {number} now
 */

/**
 * @typedef {object} ListActions
 * @property {(text: string) => void} filter
 * @property {(only: boolean) => void} only
 * @property {() => void} more
 */

/**
 * @param {List} list
 * @param {ListActions} actions
 */
export function websiteList(list, actions) {
  const { wanted, total, shown, text, onlyNotReady } = list;
  return html`<div class="tools">
      <h2 id="websites-title">Websites</h2>
      <input
        id="filter"
        type="search"
        placeholder="Filter by name, reason or image"
        aria-label="Filter"
        aria-keyshortcuts="/"
        autocomplete="off"
        spellcheck="false"
        .value=${text}
        @input=${(/** @type {InputEvent} */ { target }) => actions.filter(/** @type {HTMLInputElement} */ (target).value)}
      />
      <label class="switch"
        ><input
          id="only-not-ready"
          type="checkbox"
          .checked=${onlyNotReady}
          @change=${(/** @type {Event} */ { target }) => actions.only(/** @type {HTMLInputElement} */ (target).checked)}
        />Not ready only</label
      >
    </div>
    ${wanted.length === 0 ? html`<p class="empty">${emptyText(list)}</p>` : rows(list)}
    ${
      wanted.length > shown
        ? html`<p class="more">
            <button type="button" @click=${actions.more}>Show more</button> ${shown} of ${wanted.length} are shown.
          </p>`
        : html`<p class="more quiet">
            ${wanted.length === total ? nothing : `${wanted.length} of ${total} Websites match.`}
          </p>`
    }`;
}

/** @param {List} list */
function emptyText({ total, text, onlyNotReady }) {
  if (total === 0) return 'There is no Website yet. Create one with kubectl, and it appears here.';
  if (onlyNotReady && text === '') return 'Every Website is ready.';
  return 'No Website matches the filter.';
}

/** @param {List} list */
function rows({ wanted, shown, selected, isFresh, now }) {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">State</th>
        <th scope="col">Website</th>
        <th scope="col">Why</th>
        <th scope="col" class="number">Available</th>
        <th scope="col" class="number">Changed</th>
        <th scope="col" class="number">Age</th>
      </tr>
    </thead>
    <tbody>
      ${repeat(
        wanted.slice(0, shown),
        ({ key }) => key,
        (each) => row(each, { isSelected: each.key === selected, isFresh: isFresh(each.key), now }),
      )}
    </tbody>
  </table>`;
}

/**
 * @param {WebsiteRow} row
 * @param {{ readonly isSelected: boolean, readonly isFresh: boolean, readonly now: number }} how
 */
function row(
  { key, look, reason, message, image, available, desired, url, createdAt, since },
  { isSelected, isFresh, now },
) {
  const [namespace, name] = key.split('/');
  return html`<tr class="${isSelected ? 'selected' : ''} ${isFresh ? 'fresh' : ''}">
    <td class="state">${badge(look)}</td>
    <td class="website">
      <a href="#/${key}" data-key=${key} aria-current=${isSelected ? 'true' : nothing}
        ><span class="namespace">${namespace}/</span><b>${name}</b></a
      >
      <span class="under">${image}</span>
      ${isInternal(url) ? nothing : html`<span class="under">${address(url)}</span>`}
    </td>
    <td class="why"><span class="reason">${reason}</span> <span class="message">${message}</span></td>
    <td class="number available" data-unit="available">
      ${available ?? '?'}<span class="quiet">/${desired ?? '?'}</span>
    </td>
    <td class="number since" title=${since ?? ''}>${age(since, now)}</td>
    <td class="number age" title=${createdAt ?? ''}>${age(createdAt, now)}</td>
  </tr>`;
}

/**
 * A link, if the text of the status is an address of the web. Anything else could run as a script.
 * @param {string | undefined} url
 */
export const address = (url) =>
  url !== undefined && /^https?:\/\//i.test(url)
    ? html`<a class="address" href=${url} target="_blank" rel="noopener noreferrer"
        >${url.replace(/^https?:\/\//i, '')}</a
      >`
    : nothing;

/** Addresses of Services work only within the cluster, so the list omits them. @param {string | undefined} url */
const isInternal = (url) => url === undefined || /\.svc(:\d+)?\/?$/.test(url);
