import { expect, it } from 'vitest';
import { soakOptionsFrom } from './soak-options.ts';

it.each([
  [['--minutes', 'x'], '--minutes must be a number above 0'],
  [['--minutes', '0'], '--minutes must be a number above 0'],
  [['--minutes='], '--minutes must be a number above 0'],
  [['--seed', 'a'], '--seed must be a whole number'],
  [['--seed='], '--seed must be a whole number'],
  [['--bogus'], "Unknown option '--bogus'"],
])('The soak test refuses %j', (args, message) => {
  expect(() => soakOptionsFrom(args)).toThrow(message);
});

it('The soak test takes half a minute and a seed, or a question for help', () => {
  expect(soakOptionsFrom(['--minutes', '0.5', '--seed', '7'])).toMatchObject({ minutes: 0.5, seed: 7 });
  expect(soakOptionsFrom(['--help'])).toBe('help');
});
