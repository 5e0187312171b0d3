// How the command lines print for people.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Colours only a terminal, and not with NO_COLOR. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** Characters that could change the terminal, turn the direction of what follows, or end a line. */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;
/** The same, without the ends of lines and the colours of a finished text. */
// oxlint-disable-next-line no-control-regex -- a colour begins with a control character
const STRAY_CONTROLS = /(?!\n|\u001b\[\d+m)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** Escapes control characters, for one text that comes from the cluster or a file. */
export const printable = (text: string): string => text.replaceAll(CONTROLS, escaped);

/** Escapes what `printable` was not asked about, in all that a program prints. JSON stays the same data. */
export const printableOutput = (text: string): string => text.replaceAll(STRAY_CONTROLS, escaped);

/** As JSON does. */
function escaped(character: string): string {
  const inJson = JSON.stringify(character).slice(1, -1);
  return inJson === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : inJson;
}

const UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
];

/** A number of things: `1 Website`, `2 Websites`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A span of time as kubectl shows it: `5s`, `3m`, `2h`, `4d`. */
export function age(since: string | undefined, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(since ?? '')) / 1000));
  if (Number.isNaN(seconds)) return '<unknown>';
  const [size = 1, unit = 's'] = UNITS.find(([length]) => seconds >= 2 * length) ?? [];
  return `${Math.floor(seconds / size)}${unit}`;
}
