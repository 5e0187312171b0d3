import { logLineOf } from './log-line.ts';

const MOST = 12;
/** Go prints the stacks of all goroutines after the reason of a panic. They fill the end of the log. */
const STACKS = /^goroutine \d+ \[/m;

/** The end of a log, for people. If a Go program panicked, the lines before its stacks, because they have the reason. */
export function lastLines(log: string): string {
  const stacks = STACKS.exec(log)?.index;
  const lines = log.slice(0, stacks).trimEnd().split('\n').slice(-MOST);
  return lines.map((line) => logLineOf(line).text).join('\n');
}
