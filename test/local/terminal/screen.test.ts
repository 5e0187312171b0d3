import type { WriteStream } from 'node:tty';
import { expect, it } from 'vitest';
import { fitted, screenOf } from '../../../infra/local/terminal/screen.ts';

function output(terminal: Partial<WriteStream> = {}): { stream: WriteStream; text: () => string } {
  const written: string[] = [];
  const stream = { isTTY: false, write: (text: string) => written.push(text), ...terminal } as unknown as WriteStream;
  return { stream, text: () => written.join('') };
}

it('Lines are cut to the height of the terminal, and the last line counts those left out', () => {
  const lines = ['header', 'one', 'two', 'three', 'four'];
  expect(fitted(lines, 80, 24)).toEqual(lines);
  expect(fitted(lines, 80, 6)).toEqual(lines);
  expect(fitted(lines, 80, 5)).toEqual(['header', 'one', 'two', '  and 2 more lines']);
});

it('A wrapped line counts as several lines', () => {
  const long = 'x'.repeat(25);
  expect(fitted(['header', long, 'two', 'three'], 10, 6)).toEqual(['header', long, '  and 2 more lines']);
});

it('Without a terminal, only changed lines are printed', () => {
  const { stream, text } = output();
  const screen = screenOf(stream);
  screen.show(['header', 'one is waiting', 'two']);
  screen.show(['header', 'one is waiting', 'two']);
  screen.show(['header', 'one is ready', 'two']);
  screen.end();
  screen.show(['header', 'one is gone']);
  screen.print('the end');
  expect(text()).toBe('header\none is waiting\ntwo\none is ready\nthe end\n');
});

it('On a terminal, printed lines stay above the live part', () => {
  const { stream, text } = output({ isTTY: true, columns: 80, rows: 24 });
  const screen = screenOf(stream);
  screen.show(['table']);
  screen.print('stays');
  expect(text()).toMatch(/table[^]*stays[^]*table/);
  screen.end();
});
