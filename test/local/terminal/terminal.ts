import type { WriteStream } from 'node:tty';
import { EventEmitter } from 'node:events';

/** What a terminal does for each sequence that the screen uses. Colours and modes change no text. */
// oxlint-disable-next-line no-control-regex -- a sequence begins with a control character
const SEQUENCE = /\u001B\[(\?)?(\d*)(\w)|\r|\n|[^\u001B\r\n]/gu;

/** A terminal that wraps long lines, and wraps them again when its width changes, as most terminals do. */
export class Terminal extends EventEmitter {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** All rows from the first one. A row that continues the previous one is `soft`. */
  #rows: { text: string; soft: boolean }[] = [{ text: '', soft: false }];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  /** What a user sees and can scroll back to. */
  get text(): string {
    return this.#used.map(({ text }) => text.trimEnd()).join('\n');
  }

  get visible(): string {
    return this.text.split('\n').slice(-this.rows).join('\n');
  }

  /** Without the empty rows below the cursor. */
  get #used() {
    const last = this.#rows.findLastIndex(({ text }) => text !== '');
    return this.#rows.slice(0, Math.max(this.#row, last) + 1);
  }

  get stream(): WriteStream {
    return this as unknown as WriteStream;
  }

  write(text: string): boolean {
    for (const [part, mode, count, command] of text.matchAll(SEQUENCE)) {
      if (command !== undefined) {
        if (mode === undefined) this.#control(command, count === '' ? 1 : Number(count));
      } else if (part === '\r') this.#column = 0;
      else if (part === '\n') this.#to(this.#row + 1, 0);
      else this.#put(part);
    }
    return true;
  }

  resize(columns: number, rows: number): void {
    const lines: string[] = [];
    for (const { text, soft } of this.#used) {
      if (soft) lines.push((lines.pop() ?? '') + text);
      else lines.push(text);
    }
    const parts = (line: string) => line.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''];
    this.#rows = lines.flatMap((line) => parts(line).map((text, index) => ({ text, soft: index > 0 })));
    [this.columns, this.rows, this.#row] = [columns, rows, this.#rows.length - 1];
    this.emit('resize');
  }

  #control(command: string, count: number): void {
    const row = this.#rows[this.#row];
    if (row === undefined) return;
    const top = Math.max(0, this.#rows.length - this.rows);
    if (command === 'A') this.#to(Math.max(top, this.#row - count), this.#column);
    if (command === 'B') this.#to(Math.min(this.#rows.length - 1, this.#row + count), this.#column);
    if (command === 'G') this.#column = count - 1;
    if (command !== 'K') return;
    row.text = count === 2 ? '' : row.text.slice(0, this.#column);
    if (count === 2) row.soft = false;
  }

  #put(character: string): void {
    if (this.#column === this.columns) {
      this.#to(this.#row + 1, 0);
      const next = this.#rows[this.#row];
      if (next !== undefined) next.soft = true;
    }
    const row = this.#rows[this.#row];
    if (row === undefined) return;
    row.text = row.text.padEnd(this.#column).slice(0, this.#column) + character + row.text.slice(this.#column + 1);
    this.#column++;
  }

  #to(row: number, column: number): void {
    [this.#row, this.#column] = [row, column];
    if (this.#rows[row] === undefined) this.#rows.push({ text: '', soft: false });
  }
}
