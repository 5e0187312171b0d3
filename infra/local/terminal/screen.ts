import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import { widthOf } from '../../table.ts';

/** Where `npm start` prints: lines that stay, and below them lines that change. */
export interface Screen {
  /** `live` for a terminal, where lines can change. */
  readonly kind: 'live' | 'plain' | 'silent';
  /** Characters in a line. */
  readonly columns: number;
  print(...lines: readonly string[]): void;
  /** Replaces the lines below. Where lines cannot change, it prints those that are new since the last call. */
  show(lines: readonly string[]): void;
  /** Leaves the lines below as they are for good. What is printed from now on follows them. */
  end(): void;
}

const PLAIN_COLUMNS = 120;

export const screenOf = (output: WriteStream | NodeJS.WriteStream): Screen =>
  output.isTTY ? liveScreen(output) : plainScreen(output);

function liveScreen(output: WriteStream | NodeJS.WriteStream): Screen {
  const live = createLogUpdate(output);
  let shown: readonly string[] = [];
  let isEnded = false;
  const draw = () => {
    if (shown.length > 0) live(fitted(shown, output.columns, output.rows).join('\n'));
  };
  return {
    kind: 'live',
    get columns() {
      return output.columns;
    },
    print(...lines) {
      for (const line of lines) live.persist(line);
      draw();
    },
    show(lines) {
      if (isEnded) return;
      shown = lines;
      draw();
      if (lines.length > 0) return;
      live.clear();
      // Also shows the cursor, which a question needs.
      live.done();
    },
    end() {
      isEnded = true;
      shown = [];
      live.done();
    },
  };
}

function plainScreen(output: Pick<NodeJS.WriteStream, 'write'>): Screen {
  let shown: readonly string[] = [];
  let isEnded = false;
  const print = (...lines: readonly string[]) => {
    if (lines.length > 0) output.write(`${lines.join('\n')}\n`);
  };
  return {
    kind: 'plain',
    columns: PLAIN_COLUMNS,
    print,
    show(lines) {
      if (isEnded) return;
      print(...lines.filter((line) => !shown.includes(line)));
      shown = lines;
    },
    end() {
      isEnded = true;
    },
  };
}

/** For output that programs read. */
export const SILENT: Screen = { kind: 'silent', columns: PLAIN_COLUMNS, print() {}, show() {}, end() {} };

/** Cuts the lines to the height of the terminal, where long lines wrap. The cursor needs the last row. */
export function fitted(lines: readonly string[], columns: number, rows: number): readonly string[] {
  const heights = lines.map((line) => Math.max(1, Math.ceil(widthOf(line) / columns)));
  const sum = (count: number) => heights.slice(0, count).reduce((total, height) => total + height, 0);
  if (sum(lines.length) < rows) return lines;
  const count = lines.findLastIndex((_, index) => sum(index) < rows - 1);
  return [...lines.slice(0, count), `  and ${lines.length - count} more lines`];
}
