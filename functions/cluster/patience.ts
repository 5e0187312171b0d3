// How long each part waits for the next. docs/adr/0010-patience.md has the whole budget, and a test holds it together.

/**
 * One call. It is longer than the API server's own limit (`--request-timeout`, 60 s), so the API server is the one that ends a
 * request: one that we give up is work that it has done for nothing, and has to undo.
 */
export const CALL_MS = 65_000;
/** An API server that takes this long is overloaded: fewer calls at once get more done. */
export const SLOW_MS = 10_000;
/** After this time, nothing more is begun for one event. Its last call may still take `CALL_MS`. */
export const EVENT_MS = 45_000;
/** The same for a resync. With `CALL_MS`, it is below the 230 s after which Azure's front end gives up on an answer. */
export const RESYNC_MS = 160_000;
