// npm run generate: takes the advice on each reason from docs/status.md, so that the program and the page say the same.
import { readFileSync, writeFileSync } from 'node:fs';
import type { AllAdvice } from './advice.ts';

const PAGE = new URL('../../../docs/status.md', import.meta.url);
const FILE = new URL('advice.json', import.meta.url);

/** A row of the table of reasons: the reason, Ready, and what else is true, what it means, and what to do. */
const REASON = /^\| `(\w+)` \|.*\|.*\|(.*)\|(.*)\|\s*$/gm;
/** A row of the table of causes: what the message says, which starts with the cause, and what to do. */
const CAUSE = /^\| `(\w+)[^`|]*` \|([^|]*)\|\s*$/gm;

/** Without links and code marks, which a terminal does not show. */
const plain = (cell: string): string =>
  cell
    .trim()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('`', '');

export function adviceJson(): string {
  const page = readFileSync(PAGE, 'utf8');
  const reasons = [...page.matchAll(REASON)].map(([, reason = '', means = '', toDo = '']) => [
    reason,
    { means: plain(means), toDo: plain(toDo) },
  ]);
  const causes = [...page.matchAll(CAUSE)].map(([, cause = '', toDo = '']) => [cause, plain(toDo)]);
  const all = { reasons: Object.fromEntries(reasons), causes: Object.fromEntries(causes) } as AllAdvice;
  return `${JSON.stringify(all, undefined, 2)}\n`;
}

if (import.meta.main) writeFileSync(FILE, adviceJson());
