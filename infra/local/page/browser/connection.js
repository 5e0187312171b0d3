/** @import { Changes, Snapshot } from '../shown.ts' */

/**
 * @typedef {object} Listener
 * @property {(snapshot: Snapshot) => void} snapshot
 * @property {(changes: Changes) => void} changes
 * @property {() => void} lost
 */

/** How long to wait when the browser does not reconnect automatically. */
const AGAIN_MS = 2_000;

/**
 * Follows the server's events for as long as the tab is visible. A browser opens few connections to one server, and hidden tabs
 * would use them up.
 * @param {Listener} listener
 */
export function follow({ snapshot, changes, lost }) {
  /** @type {EventSource | undefined} */
  let source;
  const close = () => {
    source?.close();
    source = undefined;
  };
  const open = () => {
    close();
    const opened = new EventSource('/events');
    source = opened;
    opened.addEventListener('snapshot', ({ data }) => snapshot(JSON.parse(data)));
    opened.addEventListener('changes', ({ data }) => changes(JSON.parse(data)));
    opened.addEventListener('error', () => {
      lost();
      // The browser tries again after a lost connection, but not after a refusal.
      if (opened.readyState === EventSource.CLOSED)
        setTimeout(() => {
          if (source === opened) open();
        }, AGAIN_MS);
    });
  };
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  if (!document.hidden) open();
}
