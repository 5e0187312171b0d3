import { expect, it } from 'vitest';
import { shortened } from '../../functions/website/shortened.ts';

it.each([
  ['a text that fits', 'abc', 'abc'],
  ['a text that fits exactly', 'a'.repeat(12), 'a'.repeat(12)],
  ['a text of two-byte characters that fits exactly', 'é'.repeat(6), 'é'.repeat(6)],
  ['a longer text', 'a'.repeat(13), `${'a'.repeat(9)}…`],
  ['a text whose four-byte character would be cut', `${'a'.repeat(7)}😀😀`, `${'a'.repeat(7)}…`],
])('The shortened text keeps as much as fits of %s', (_, text, kept) => {
  expect(shortened(text, 12)).toBe(kept);
});
