import { expect, it } from 'vitest';
import { logLineOf } from '../../../infra/local/processes/log-line.ts';
import { Warnings } from '../../../infra/local/terminal/warnings.ts';
import { RememberingScreen } from './a-screen.ts';

const at = (seconds: number) => new Date(2026, 0, 1, 12, 0, seconds);

it('Equal warnings share one line with a count', () => {
  const warnings = new Warnings(new RememberingScreen('live'));
  warnings.note('website-functions', 'Unauthorized', at(0));
  warnings.note('website-functions', 'Unauthorized', at(2));
  warnings.note('website-forwarder', 'Unauthorized', at(3));
  expect(warnings.lines(at(4))).toEqual([
    '! 12:00:02 functions: Unauthorized (2 times)',
    '! 12:00:03 forwarder: Unauthorized',
  ]);
});

it('A warning that does not come again moves to the permanent lines after a minute', () => {
  const screen = new RememberingScreen('live');
  const warnings = new Warnings(screen);
  warnings.note('website-functions', 'Unauthorized', at(0));
  expect(warnings.lines(at(60))).toHaveLength(1);
  expect(warnings.lines(at(61))).toEqual([]);
  expect(screen.printed).toEqual(['! 12:00:00 functions: Unauthorized']);
});

it('Only the latest five warnings stay in the live part', () => {
  const screen = new RememberingScreen('live');
  const warnings = new Warnings(screen);
  for (let index = 0; index < 8; index++) warnings.note('website-functions', `Failure ${index}`, at(index));
  expect(warnings.lines(at(9)).map((line) => line.at(-1))).toEqual(['3', '4', '5', '6', '7']);
  expect(screen.printed.map((line) => line.at(-1))).toEqual(['0', '1', '2']);
});

it('A warning that came again stays longer than one that did not', () => {
  const screen = new RememberingScreen('live');
  const warnings = new Warnings(screen);
  for (const index of [0, 1, 2, 3, 4, 0, 5]) warnings.note('website-functions', `Failure ${index}`, at(index));
  expect(screen.printed).toEqual([expect.stringContaining('Failure 1')]);
});

it('Without a live display, a repeated warning is printed at its 1st, 10th and 100th time', () => {
  const screen = new RememberingScreen('plain');
  const warnings = new Warnings(screen);
  for (let index = 0; index < 150; index++) warnings.note('website-functions', 'Unauthorized', at(0));
  expect(screen.printed).toEqual([
    '! 12:00:00 functions: Unauthorized',
    '! 12:00:00 functions: Unauthorized (10 times)',
    '! 12:00:00 functions: Unauthorized (100 times)',
  ]);
  expect(warnings.lines(at(1))).toEqual([]);
});

it('A warning cannot control the terminal, and has a limited length', () => {
  const warnings = new Warnings(new RememberingScreen('live'));
  warnings.note('website-functions', `\u001B[2J${'x'.repeat(1000)}`, at(0));
  const [line = ''] = warnings.lines(at(1));
  expect(line).not.toContain('\u001B[2J');
  expect(line.length).toBeLessThan(500);
});

it.each(['live', 'plain'] as const)(
  'On a %s screen, a thousand different warnings leave few lines, and are counted',
  (kind) => {
    const screen = new RememberingScreen(kind);
    const warnings = new Warnings(screen);
    for (let index = 0; index < 1000; index++) {
      warnings.note('website-functions', `Could not reconcile Website default/site-${index}: Unauthorized`, at(0));
      warnings.lines(at(0));
    }
    expect(screen.printed).toHaveLength(10);
    expect(screen.printed[9]).toContain('site-9:');
    expect(warnings.lines(at(9))).toHaveLength(kind === 'live' ? 5 : 0);
    expect(screen.printed).toHaveLength(10);
    warnings.lines(at(10));
    const left = kind === 'live' ? 985 : 990;
    expect(screen.printed.slice(10)).toEqual([`! 12:00:10 ${left} more warnings: see the logs`]);
    warnings.lines(at(59));
    expect(screen.printed).toHaveLength(11);
  },
);

it('In a flood of warnings, some are printed, and each with the number of those before it', () => {
  const screen = new RememberingScreen('plain');
  const warnings = new Warnings(screen);
  for (let index = 0; index < 6000; index++) warnings.note('website-functions', `Failure ${index}`, at(index / 10));
  expect(screen.printed.slice(9, 12)).toEqual([
    '! 12:00:00 functions: Failure 9',
    '! 12:00:10 90 more warnings: see the logs',
    '! 12:00:10 functions: Failure 100',
  ]);
  expect(screen.printed.length).toBeLessThan(140);
});

const refusal = (more: object = {}) =>
  logLineOf(JSON.stringify({ level: 40, msg: 'Refused caller', why: 'no token', ...more }));
const rest = (leftOut: number) =>
  refusal({ msg: 'Left out lines', line: 'Refused caller', problem: 'no token', why: undefined, leftOut });

it('Lines that a program left out count', () => {
  const warnings = new Warnings(new RememberingScreen('live'));
  warnings.noteLine('website-functions', refusal(), at(0));
  warnings.noteLine('website-functions', refusal({ leftOut: 30 }), at(5));
  warnings.noteLine('website-functions', rest(400), at(15));
  expect(warnings.lines(at(16))).toEqual(['! 12:00:15 functions: Refused caller: no token (432 times)']);
});

it('Lines that a program left out are a warning of their own if there is no other', () => {
  const warnings = new Warnings(new RememberingScreen('live'));
  warnings.noteLine('website-functions', rest(400), at(15));
  expect(warnings.lines(at(16))).toEqual(['! 12:00:15 functions: Refused caller: no token (400 times)']);
});

it('Without a live display, a count that passes 10 or 100 is printed', () => {
  const screen = new RememberingScreen('plain');
  const warnings = new Warnings(screen);
  for (const line of [refusal(), refusal({ leftOut: 30 }), refusal({ leftOut: 10 }), rest(400)])
    warnings.noteLine('website-functions', line, at(0));
  expect(screen.printed).toEqual([
    '! 12:00:00 functions: Refused caller: no token',
    '! 12:00:00 functions: Refused caller: no token (32 times)',
    '! 12:00:00 functions: Refused caller: no token (443 times)',
  ]);
});
