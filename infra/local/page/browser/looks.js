import { html, svg } from 'lit-html';

/** @import { Look } from '../shown.ts' */
/** @import { SVGTemplateResult } from 'lit-html' */

const CIRCLE = svg`<circle cx="8" cy="8" r="7" />`;

/**
 * Each state has its own shape and word, so that the reader need not tell colours apart.
 * @type {Readonly<Record<Look, { readonly word: string, readonly shape: SVGTemplateResult }>>}
 */
export const LOOKS = {
  ready: { word: 'Ready', shape: svg`${CIRCLE}<path d="M4.8 8.3l2.2 2.2 4.2-4.6" />` },
  problem: { word: 'Not ready', shape: svg`${CIRCLE}<path d="M5.5 5.5l5 5m0-5l-5 5" />` },
  progressing: {
    word: 'In progress',
    shape: svg`<circle cx="8" cy="8" r="6" class="ring" /><path d="M8 4.8V8l2.2 1.6" />`,
  },
  suspended: { word: 'Suspended', shape: svg`${CIRCLE}<path d="M6.3 5.5v5m3.4-5v5" />` },
  unseen: { word: 'Not seen yet', shape: svg`<circle cx="8" cy="8" r="6" class="ring dotted" /><path d="M8 8h.01" />` },
  deleting: { word: 'Deleting', shape: svg`<circle cx="8" cy="8" r="6" class="ring" /><path d="M5.2 8h5.6" />` },
};

/** In the order in which they deserve attention. */
export const ORDER = /** @type {readonly Look[]} */ ([
  'problem',
  'progressing',
  'unseen',
  'deleting',
  'suspended',
  'ready',
]);

/** @param {Look} look */
export const icon = (look) => html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${LOOKS[look].shape}</svg>`;

/** @param {Look} look */
export const badge = (look) => html`<span class="badge is-${look}">${icon(look)}${LOOKS[look].word}</span>`;
