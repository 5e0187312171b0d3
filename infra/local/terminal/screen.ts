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
  /** What is on the terminal, and its width when it was drawn. */
  let drawn: { readonly lines: readonly string[]; readonly columns: number } = { lines: [], columns: output.columns };
  let isEnded = false;
  const draw = () => {
    if (shown.length === 0) return;
    drawn = { lines: fitted(shown, output.columns, output.rows), columns: output.columns };
    live(drawn.lines.join('\n'));
  };
  const redraw = () => {
    if (shown.length === 0) return;
    // log-update erases as many rows as it wrote. In a narrower terminal, they have become more.
    output.write(ERASED_ROW.repeat(addedRows(drawn.lines, drawn.columns, output.columns)));
    live.clear();
    draw();
  };
  output.on('resize', redraw);
  return {
    kind: 'live',
    get columns() {
      return output.columns;
    },
    print(...lines) {
      live.clear();
      // log-update would break a long line into several, so a user could not copy it as one. The terminal wraps it.
      if (lines.length > 0) output.write(`${lines.join('\n')}\n`);
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
      output.off('resize', redraw);
      live.done();
    },
  };
}

/** Erases the row of the cursor, and moves it up. */
const ERASED_ROW = '\u001B[2K\u001B[A';

/** How many more rows lines take once the terminal has become narrower. Lines that were wrapped are several lines for it. */
function addedRows(lines: readonly string[], before: number, after: number): number {
  const more = (width: number) => Math.max(0, Math.ceil(width / after) - 1);
  const widths = lines.map(widthOf);
  return widths.reduce((sum, width) => sum + Math.floor(width / before) * more(before) + more(width % before), 0);
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
