// What was measured, in all its runs, and a table of it.

/** Between two values, what lies between them. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const [below = NaN, above = below] = sorted.slice(Math.floor(place));
  return below + (above - below) * (place % 1);
}

/** One measure, in all its runs. */
export interface Row {
  readonly name: string;
  readonly values: readonly number[];
  readonly digits?: number;
  /** Where the same was measured under several conditions: which of them. */
  readonly column?: string;
}

const NAME_WIDTH = 64;

/** Prints a table with the least, the median and the most of each row. */
export function print(title: string, rows: readonly Row[]): void {
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(NAME_WIDTH)} ${cells.map((each) => each.padStart(10)).join('')}`;
  const lines = rows.map(({ name, column, values, digits = 1 }) =>
    line(column === undefined ? name : `${name}: ${column}`, [
      ...[0, 0.5, 1].map((share) => quantile(values, share).toFixed(digits)),
      String(values.length),
    ]),
  );
  process.stdout.write(`${[title, line('', ['least', 'median', 'most', 'runs']), ...lines, ''].join('\n')}\n`);
}
