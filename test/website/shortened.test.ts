import { expect, it } from 'vitest';
import { shortened } from '../../functions/website/shortened.ts';

it.each([
  ['what fits', 'abc', 'abc'],
  ['what fits to the byte', 'a'.repeat(12), 'a'.repeat(12)],
  ['what fits to the byte, in characters of more than one', 'é'.repeat(6), 'é'.repeat(6)],
  ['what is longer', 'a'.repeat(13), `${'a'.repeat(9)}…`],
  ['a character of four bytes that would be cut', `${'a'.repeat(7)}😀😀`, `${'a'.repeat(7)}…`],
])('Of %s, it keeps as much as fits', (_, text, kept) => {
  expect(shortened(text, 12)).toBe(kept);
});
