import { expect, it } from 'vitest';
import { wrapped } from '../../../infra/local/terminal/wrapped.ts';

it.each([
  ['delete it', 20, ['delete it']],
  ['delete or rename it', 12, ['delete or', 'rename it']],
  ['delete or rename it', 9, ['delete or', 'rename it']],
  ['a verylongword', 5, ['a', 'veryl', 'ongwo', 'rd']],
  ['', 5, []],
])('The text %j is wrapped at %i columns', (text, columns, lines) => {
  expect(wrapped(text, columns)).toEqual(lines);
});

it('The last allowed line ends with … if there is more text', () => {
  expect(wrapped('one two three four', 5, 2)).toEqual(['one', 'two…']);
  expect(wrapped('xxxxxxxxxxxx', 5, 2)).toEqual(['xxxxx', 'xxxx…']);
});
