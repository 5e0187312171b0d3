// How the command lines print for people.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Colours only a terminal, and not with NO_COLOR. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** Control characters of a text that comes from the cluster could change the terminal. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '�');

const UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
];

/** A span of time as kubectl shows it: `5s`, `3m`, `2h`, `4d`. */
export function age(since: string | undefined, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(since ?? '')) / 1000));
  if (Number.isNaN(seconds)) return '<unknown>';
  const [size = 1, unit = 's'] = UNITS.find(([length]) => seconds >= 2 * length) ?? [];
  return `${Math.floor(seconds / size)}${unit}`;
}
