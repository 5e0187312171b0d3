// npm run generate: takes the advice on each reason from docs/status.md, so that the program and the page say the same.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Advice } from './advice.ts';

const PAGE = new URL('../../docs/status.md', import.meta.url);
const FILE = new URL('advice.json', import.meta.url);

/** A row of the table of reasons: the reason, Ready, and what else is true, what it means, and what to do. */
const ROW = /^\| `(\w+)` \|.*\|.*\|(.*)\|(.*)\|\s*$/gm;

/** Without links and code marks, which a terminal does not show. */
const plain = (cell: string): string =>
  cell
    .trim()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('`', '');

export function adviceJson(): string {
  const rows = [...readFileSync(PAGE, 'utf8').matchAll(ROW)];
  const advice = rows.map(([, reason = '', means = '', toDo = '']): [string, Advice] => [
    reason,
    { means: plain(means), toDo: plain(toDo) },
  ]);
  return `${JSON.stringify(Object.fromEntries(advice), undefined, 2)}\n`;
}

if (import.meta.main) writeFileSync(FILE, adviceJson());
