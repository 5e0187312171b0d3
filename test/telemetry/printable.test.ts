import { expect, it } from 'vitest';
import { printable } from '../../functions/telemetry/printable.ts';

it.each(['\u007f', '\u009b', '\u061c', '\u200f', '\u202e', '\u2067', '\u2028', '\u2029'])(
  'A log line escapes %j and keeps its meaning as JSON',
  (character) => {
    const line = printable(JSON.stringify({ message: `a${character}b` }));
    expect(line).not.toContain(character);
    expect(JSON.parse(line)).toEqual({ message: `a${character}b` });
  },
);
