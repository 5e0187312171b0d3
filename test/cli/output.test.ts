import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { printed } from '../../infra/cli/output.ts';
import { run } from '../../infra/cli/program.ts';
import { printable, printableOutput } from '../../infra/text.ts';

/** Characters that control a terminal, change the direction of a text, or end a line in some readers. */
const CONTROLS = [
  '\u0000',
  '\u001b',
  '\u007f',
  '\u009b',
  '\u061c',
  '\u200e',
  '\u202e',
  '\u2066',
  '\u2069',
  '\u2028',
  '\u2029',
];
const EVIL = CONTROLS.map((control) => `a${control}b`).join('');
const isHarmless = (text: string) => CONTROLS.every((control) => !text.includes(control));

it.each(['json', 'yaml'] as const)(
  '-o %s escapes characters that control a terminal, and keeps the data the same',
  (format) => {
    const data = { [EVIL]: [EVIL, 'plain', 'two\nlines'] };
    const text = printableOutput(printed({ text: '', data }, format));
    expect(isHarmless(text)).toBe(true);
    expect(parse(text)).toEqual(data);
  },
);

it('A table escapes control characters in texts of the cluster', () => {
  expect(isHarmless(printable(EVIL))).toBe(true);
  expect(printable('a\u202eb\u001b[31m\n')).toBe('a\\u202eb\\u001b[31m\\n');
  expect(printable('Überschrift 日本語 🙂')).toBe('Überschrift 日本語 🙂');
});

it('-o yaml repeats an object instead of using an alias, because not every reader follows aliases', () => {
  const shared = { a: 1 };
  expect(printed({ text: '', data: { one: shared, two: shared } }, 'yaml')).toBe('one:\n  a: 1\ntwo:\n  a: 1');
});

it('The output contains no control characters except line breaks and colors', async () => {
  const printedLines: string[] = [];
  const print = (text: string) => void printedLines.push(text);
  const interrupted = () => new AbortController().signal;
  const process = { out: print, error: print, now: () => new Date(), interrupted, kubeconfig: undefined };
  expect(await run(['events', 'replay', 'a\u202eb', '--to', 'http://127.0.0.1:9'], process)).toBe(2);
  expect(await run(['no\u009bsuch'], process)).toBe(2);
  expect(printedLines.join('\n')).toMatch(/a\\u202eb(.|\n)*no\\u009bsuch/);
  expect(isHarmless(printedLines.join('\n'))).toBe(true);
  expect(printableOutput('\u001b[31mred\u001b[39m\n\u001b[2J')).toBe('\u001b[31mred\u001b[39m\n\\u001b[2J');
});
