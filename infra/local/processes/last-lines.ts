import { logLineOf, type LogLine } from './log-line.ts';

const MOST = 12;
/** Go prints the stacks of all goroutines after the reason of a panic. They fill the end of the log. */
const STACKS = /^goroutine \d+ \[/m;

/** The end of a log, for people. If a Go program panicked, the lines before its stacks, because they have the reason. */
export function lastLines(log: string): string {
  const stacks = STACKS.exec(log)?.index;
  const lines = log.slice(0, stacks).trimEnd().split('\n').slice(-MOST);
  return lines.map((line) => withTime(logLineOf(line))).join('\n');
}

/** Lines of pino have their time in milliseconds. Those of other programs have it in their text, or have none. */
function withTime({ text, fields: { time } }: LogLine): string {
  return typeof time === 'number' ? `${new Date(time).toTimeString().slice(0, 8)} ${text}` : text;
}
