import { stripVTControlCharacters } from 'node:util';

/** Aligned columns. Widths ignore the codes of colours. @param gap between two columns. */
export function table(rows: readonly (readonly string[])[], gap = '   '): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))));
  const padded = (cell: string, column: number) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell));
  return rows.map((row) => row.map(padded).join(gap).trimEnd()).join('\n');
}

const widthOf = (cell: string): number => stripVTControlCharacters(cell).length;
