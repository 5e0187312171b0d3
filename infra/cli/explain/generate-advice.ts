// npm run generate: takes the advice on each reason from docs/status.md, so that the program and the page say the same.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Advice, AllAdvice } from './advice.ts';

const PAGE = new URL('../../../docs/status.md', import.meta.url);
const FILE = new URL('advice.json', import.meta.url);

/** A section about a reason, without the marks of its heading: the reason, what it means, and what to do if there is anything. */
const REASON = /^`(\w+)`\n(.*?)(?:\*\*What to do:\*\* (.*?)\.?)?\s*$/s;
/** A row of the table of causes: what the message says, which starts with the cause, and what to do. */
const CAUSE = /^\| `(\w+)[^`|]*` \|([^|]*)\|\s*$/gm;
/** A row of the table about a status that cannot be written: the reason, what it means, and what to do. */
const OBSTACLE = /^\| `(\w+)` \|[^|]*\|([^|]*)\|\s*$/gm;

/** As one line, without links and marks, which a terminal does not show. */
const plain = (markdown: string): string =>
  markdown
    .trim()
    .replaceAll(/\s*\n(?:- )?/g, ' ')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('`', '');

function adviceIn(section: string): [string, Advice][] {
  const [, reason, means = '', toDo = ''] = REASON.exec(section) ?? [];
  return reason === undefined ? [] : [[reason, { means: plain(means), toDo: plain(toDo) }]];
}

export function adviceJson(): string {
  const page = readFileSync(PAGE, 'utf8');
  const reasons = page.split(/^### /m).flatMap((text) => adviceIn(text.split(/^## /m, 1)[0] ?? ''));
  const todosIn = (row: RegExp) =>
    Object.fromEntries([...page.matchAll(row)].map(([, name = '', toDo = '']) => [name, plain(toDo)]));
  const all = {
    reasons: Object.fromEntries(reasons),
    causes: todosIn(CAUSE),
    status: todosIn(OBSTACLE),
  } as AllAdvice;
  return `${JSON.stringify(all, undefined, 2)}\n`;
}

if (import.meta.main) writeFileSync(FILE, adviceJson());
