/**
 * Seconds since the latest of these times. 0 if there is no time. Infinity if one is not a valid date: another writer may have put
 * anything there.
 */
export function secondsSince(times: readonly (string | undefined)[], now: Date): number {
  const known = times.flatMap((time) => (time === undefined ? [] : [Date.parse(time)]));
  if (known.length === 0) return 0;
  const latest = Math.max(...known);
  return Number.isNaN(latest) ? Infinity : (now.getTime() - latest) / 1000;
}
