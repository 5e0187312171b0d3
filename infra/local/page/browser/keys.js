/**
 * @typedef {object} KeyActions
 * @property {() => void} close the view of one Website.
 * @property {() => void} toggle the rows that are shown.
 */

/** @returns {HTMLAnchorElement[]} */
const links = () => [...document.querySelectorAll(/** @type {'a'} */ ('#websites td.website > a[data-key]'))];
const filter = () => /** @type {HTMLInputElement} */ (document.querySelector('#filter'));

/** The row that had the focus last. */
let last = '';

/**
 * Moves the focus to another row. Enter follows its link, as for every link.
 * @param {1 | -1} by
 */
function move(by) {
  const all = links();
  const place = all.findIndex(({ dataset }) => dataset['key'] === last);
  const next = place === -1 ? all[by === 1 ? 0 : all.length - 1] : all[place + by];
  next?.focus();
  next?.closest('tr')?.scrollIntoView({ block: 'nearest' });
}

/** @param {string} key of the row to return to. */
export function focusRow(key) {
  last = key;
  links()
    .find(({ dataset }) => dataset['key'] === key)
    ?.focus();
}

/** @param {KeyActions} actions */
export function handleKeys({ close, toggle }) {
  document.addEventListener('focusin', ({ target }) => {
    const key = target instanceof HTMLElement ? target.dataset['key'] : undefined;
    if (key !== undefined) last = key;
  });
  /** @type {Readonly<Record<string, () => void>>} */
  const everywhere = {
    j: () => move(1),
    k: () => move(-1),
    n: toggle,
    '/': () => filter().select(),
    Escape: close,
  };
  /** Outside the list, they scroll. @type {Readonly<Record<string, () => void>>} */
  const inList = { ArrowDown: () => move(1), ArrowUp: () => move(-1) };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const isList = target === document.body || target.closest('#websites') !== null;
    const action =
      target === filter() ? inFilter(event.key) : (everywhere[event.key] ?? (isList ? inList[event.key] : undefined));
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}

/** @param {string} key */
function inFilter(key) {
  if (key === 'ArrowDown' || key === 'Enter') {
    last = '';
    return () => move(1);
  }
  // A search field clears itself at the first Escape.
  if (key === 'Escape' && filter().value === '') return () => filter().blur();
  return undefined;
}
