// How long each part waits for the next. docs/adr/0010-patience.md has the whole budget, and a test checks it.

/**
 * The timeout of one call. It is longer than the API server's own limit (`--request-timeout`, 60 s). If we gave up first, the API
 * server would have to undo its work, and our retry would add to its load.
 */
export const CALL_MS = 65_000;
/** A call that takes this long shows an overloaded API server. Fewer concurrent calls then achieve more. */
export const SLOW_MS = 10_000;
/** The timeout of a call that creates a Kubernetes Event. The run waits for it, but nothing depends on the Event. */
export const ANNOUNCEMENT_MS = 2_000;
/** No call for an event starts after this time. The last call may still take `CALL_MS`. */
export const EVENT_MS = 45_000;
/** The same for a resync. Together with `CALL_MS`, it is below the 230 s after which Azure's front end gives up. */
export const RESYNC_MS = 160_000;
