import { stripVTControlCharacters } from 'node:util';

/** Aligned columns. Widths ignore the codes of colours. @param gap between two columns. */
export const table = (rows: readonly (readonly string[])[], gap = '   '): string => growingTable(gap)(rows);

/** A table in parts, for rows that come one after the other: each part aligns with what came before it. */
export function growingTable(gap = '   '): (rows: readonly (readonly string[])[]) => string {
  const widths: number[] = [];
  const padded = (cell: string, column: number) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell));
  return (rows) => {
    for (const row of rows)
      for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    return rows.map((row) => row.map(padded).join(gap).trimEnd()).join('\n');
  };
}

/** Characters that a cell takes on a terminal. */
export const widthOf = (cell: string): number => stripVTControlCharacters(cell).length;
