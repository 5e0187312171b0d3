import { counted } from '../../text.ts';
import { leftOutOf, logLineOf, type LogLine } from './log-line.ts';

const MOST = 12;
/** An error further up in the log is not the reason why the program ended. */
const SEARCHED = 50;
const PINO_ERROR = 50;
const ERRORS = new Set(['error', 'dpanic', 'panic', 'fatal']);
/** Go prints the stacks of all goroutines after the reason of a panic. They fill the end of the log. */
const STACKS = /^goroutine \d+ \[/m;

/**
 * The end of a log, for people. If a program says what went wrong, its lines of lower levels are left out. If a Go program panicked,
 * the end is before its stacks, because the reason is there.
 */
export function lastLines(log: string): string {
  const stacks = STACKS.exec(log)?.index;
  const lines = log.slice(0, stacks).trimEnd().split('\n').slice(-SEARCHED);
  const hasErrors = lines.some((line) => levelOf(line) === 'error');
  const latest = lines.filter((line) => !hasErrors || levelOf(line) !== 'lower').slice(-MOST);
  // A program that tries something twice warns twice.
  return [...new Set(latest.map((line) => shown(logLineOf(line))))].join('\n');
}

/** Undefined for plain text, which may be the reason, such as a panic. */
function levelOf(line: string): 'error' | 'lower' | undefined {
  const [, klog] = /^([A-Z])\d{4} \d\d:/.exec(line) ?? [];
  if (klog !== undefined) return /[EF]/.test(klog) ? 'error' : 'lower';
  const { level } = logLineOf(line).fields;
  if (typeof level !== 'number' && typeof level !== 'string') return undefined;
  const isError = typeof level === 'number' ? level >= PINO_ERROR : ERRORS.has(level.toLowerCase());
  return isError ? 'error' : 'lower';
}

/** Lines of pino have their time in milliseconds. Lines of other programs have the time in their text, or have no time. */
function shown(line: LogLine): string {
  const { time } = line.fields;
  const leftOut = leftOutOf(line);
  const when = typeof time === 'number' ? `${new Date(time).toTimeString().slice(0, 8)} ` : '';
  return `${when}${line.text}${leftOut === 0 ? '' : ` (${counted(leftOut, 'line')} left out)`}`;
}
