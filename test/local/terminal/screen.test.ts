import type { WriteStream } from 'node:tty';
import { expect, it } from 'vitest';
import { Terminal } from './terminal.ts';
import { fitted, screenOf } from '../../../infra/local/terminal/screen.ts';

function output(): { stream: WriteStream; text: () => string } {
  const written: string[] = [];
  const stream = { isTTY: false, write: (text: string) => written.push(text) } as unknown as WriteStream;
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
  const terminal = new Terminal(80, 24);
  const screen = screenOf(terminal.stream);
  screen.show(['table']);
  screen.print('stays');
  expect(terminal.text).toBe('stays\ntable\n');
  screen.end();
});

it('A printed line that is longer than the terminal stays one line, so that it can be copied', () => {
  const terminal = new Terminal(40, 24);
  const screen = screenOf(terminal.stream);
  const line = `  export KUBECONFIG=/tmp/${'x'.repeat(60)}/admin.kubeconfig`;
  screen.show(['table']);
  screen.print(line, 'second');
  screen.end();
  terminal.resize(120, 24);
  expect(terminal.text).toBe(`${line}\nsecond\ntable\n`);
});

const TABLE = ['header', 'x'.repeat(70), 'y'.repeat(70), 'z'.repeat(30)];

it.each<[string, readonly (readonly [columns: number, rows: number])[]]>([
  ['becomes narrower', [[40, 24]]],
  [
    'becomes narrower, and wider again',
    [
      [20, 24],
      [80, 24],
    ],
  ],
  ['becomes wider', [[120, 24]]],
  [
    'becomes narrower step by step',
    [
      [75, 24],
      [65, 24],
      [33, 24],
      [9, 24],
    ],
  ],
  ['becomes both narrower and higher', [[40, 50]]],
])('If the terminal %s, its lines are drawn again in place', (_, sizes) => {
  const terminal = new Terminal(80, 24);
  const screen = screenOf(terminal.stream);
  screen.print('kept');
  screen.show(TABLE);
  for (const [columns, rows] of sizes) {
    terminal.resize(columns, rows);
    const [at] = terminal.text.match(/^kept\nheader\n/) ?? [];
    expect(at).toBeDefined();
    expect(terminal.text.match(/header/g)).toHaveLength(1);
    expect(terminal.text.replaceAll(/[^xyz]/g, '')).toBe(TABLE.slice(1).join(''));
  }
  screen.show(['header', 'new']);
  expect(terminal.text).toBe('kept\nheader\nnew\n');
  screen.end();
  screen.print('after');
  expect(terminal.text).toBe('kept\nheader\nnew\nafter\n');
});

it('If the terminal becomes lower, its lines are cut to the new height', () => {
  const terminal = new Terminal(80, 24);
  const screen = screenOf(terminal.stream);
  screen.show(['header', ...'abcdefghij'.split('')]);
  terminal.resize(80, 5);
  expect(terminal.visible).toBe('header\na\nb\n  and 8 more lines\n');
  screen.show(['header', 'one', 'two', ...'cdefghij'.split('')]);
  expect(terminal.visible).toBe('header\none\ntwo\n  and 8 more lines\n');
  screen.end();
});

it('After its end, a screen takes no notice of the terminal', () => {
  const terminal = new Terminal(80, 24);
  const screen = screenOf(terminal.stream);
  screen.show(['table']);
  screen.end();
  terminal.resize(40, 24);
  expect(terminal.text).toBe('table\n');
  expect(terminal.listenerCount('resize')).toBe(0);
});
