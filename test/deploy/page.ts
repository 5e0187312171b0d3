// A page of the documentation as somebody reads it who types what it says.
import { readFileSync } from 'node:fs';

/** A piece of code on a page. */
export interface Block {
  /** `sh`: commands that have to succeed. `console`: commands after `$`, each with what it prints. Anything else is only to be read. */
  readonly language: string;
  readonly text: string;
  /** The heading of the section. */
  readonly section: string;
  readonly line: number;
}

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let section = '';
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of readFileSync(page, 'utf8').split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1] ?? '', line: index + 1, lines: [] };
      section = /^#+ (.*)$/.exec(line)?.[1] ?? section;
    } else if (fence === null) {
      open.lines.push(line);
    } else {
      const { language, line: at, lines } = open;
      blocks.push({ language, section, line: at, text: lines.join('\n') });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${page}: the block in line ${open.line} has no end`);
  return blocks;
}

/** A command and the lines that it prints. */
export interface Example {
  readonly command: string;
  readonly prints: readonly string[];
}

export const examplesIn = ({ text }: Block): Example[] =>
  text
    .split(/^\$ /m)
    .filter((each) => each !== '')
    .map((each) => {
      const [command = '', ...printed] = each.split('\n');
      return { command, prints: linesOf(printed.join('\n')) };
    });

/** Lines without what differs each time: ages, and the widths of columns. */
export const linesOf = (output: string): string[] =>
  output
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replace(/ +/g, ' ')
        .replace(/ (\d+[smhd])+$/, ' AGE'),
    )
    .filter((line) => line !== '');

/** Whether a line was printed as the page has it, where `...` is for anything. */
export const isAs = (expected: string, line: string): boolean =>
  new RegExp(`^${expected.split('...').map(escaped).join('.*')}$`).test(line);

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
