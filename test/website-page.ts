// docs/website.md as its tests read it.
import { readFileSync } from 'node:fs';

export const PAGE = readFileSync('docs/website.md', 'utf8');

/** Every block of YAML with a Website. */
export const websitesOn = (page: string): string[] =>
  [...page.matchAll(/^```yaml\n(.*?)^```/gms)]
    .map(([, yaml = '']) => yaml)
    .filter((yaml) => /^kind: Website$/m.test(yaml));

/** The rows of all tables with this header, each as its cells. A `|` may not occur within a cell. */
export function rowsUnder(page: string, header: string): string[][] {
  const [, ...tables] = page.split(`\n| ${header} |\n`);
  return tables.flatMap((table) =>
    (/^(\|.*\n)+/.exec(table)?.[0] ?? '')
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.slice(2, -2).split(' | ')),
  );
}

/** The text between the backticks of a cell that is code as a whole. */
export const codeIn = (cell: string): string => /^`([^`]+)`$/.exec(cell)?.[1] ?? '';

/** A field of the spec on the page: `env[].name`. */
export interface Row {
  readonly path: string;
  readonly fallback: string;
  /** The whole row, without the commas in numbers. */
  readonly text: string;
}

export const fieldsOn = (page: string): Row[] =>
  rowsUnder(page, 'field | type | default | meaning').map(([field = '', type = '', fallback = '', meaning = '']) => ({
    path: codeIn(field),
    fallback,
    text: `${type} ${fallback} ${meaning}`.replace(/(\d),(\d)/g, '$1$2'),
  }));

/** A mistake in the spec, as YAML, and what the API server answers to it. */
export const mistakesOn = (page: string): [yaml: string, answer: string][] =>
  rowsUnder(page, 'a mistake | the API server answers').map(([yaml = '', answer = '']) => [
    codeIn(yaml),
    codeIn(answer),
  ]);
