import { pino, type Logger } from 'pino';
import { printable } from './printable.ts';

/** Where lines of a log go: a pino logger, or what a host offers instead. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

/** How long a line may wait for others. */
const GATHER_MS = 20;
/** What nobody reads is kept, up to so many bytes. */
const LONGEST_UNREAD = 4 * 1024 * 1024;

/**
 * The log of a process: JSON lines on standard output, from `level` on. They are written beside the work, and together where there
 * are many (docs/adr/0009-where-the-time-goes.md). None is lost when the process ends by itself.
 */
export function logOf(level: string): Logger {
  const output = pino.destination({ sync: false, maxLength: LONGEST_UNREAD });
  // A full disk, or a reader that is gone: lines are lost then, and nothing else. A flush would be tried again for ever.
  output.on('error', () => {
    output.flushSync = () => {};
  });
  let lines = '';
  const flush = () => {
    output.write(lines);
    lines = '';
  };
  process.once('exit', () => {
    if (lines === '') return;
    flush();
    output.flushSync();
  });
  return pino(
    { level },
    {
      write(line) {
        if (lines === '') setTimeout(flush, GATHER_MS);
        lines += printable(line);
      },
    },
  );
}
