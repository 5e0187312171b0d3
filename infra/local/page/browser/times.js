/** @type {readonly (readonly [seconds: number, unit: string])[]} */
const UNITS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
];

/**
 * A span of time as kubectl shows it: `5s`, `3m`, `2h`, `4d`.
 * @param {string | undefined} since
 * @param {number} now
 */
export function age(since, now) {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since ?? '')) / 1000));
  if (Number.isNaN(seconds)) return '–';
  const [size, unit] = UNITS.find(([length]) => seconds >= 2 * length) ?? [1, 's'];
  return `${Math.floor(seconds / size)}${unit}`;
}

const TIME = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/**
 * The time of day, to the millisecond.
 * @param {number} at in milliseconds since 1970.
 */
export const clock = (at) => TIME.format(at);

/**
 * The day, unless it is today.
 * @param {number} at in milliseconds since 1970.
 * @param {number} now
 */
export const day = (at, now) => (DAY.format(at) === DAY.format(now) ? '' : DAY.format(at));

/** @param {number} ms */
export const span = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
