import { pino, type Logger } from 'pino';
import { printable } from './printable.ts';

/** A pino logger, or the logger of a host. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** How long a line may wait to be written together with others. */
const GATHER_MS = 20;
/** Bytes that are buffered while standard output does not accept them. Further lines are dropped. */
const LONGEST_UNREAD = 4 * 1024 * 1024;

/**
 * The log of a process: JSON lines on standard output, from `level` on. They are written asynchronously and in groups, which saves
 * CPU time (docs/adr/0009-where-the-time-goes.md). The first line does not wait, because it often says that the program has started. The
 * rest is written when the process exits.
 */
export function logOf(level: string): Logger {
  const output = pino.destination({ sync: false, maxLength: LONGEST_UNREAD });
  // If the disk is full or the reader is gone, only log lines are lost. Without this, `flushSync` would retry forever.
  output.on('error', () => {
    output.flushSync = () => {};
  });
  let lines = '';
  let isFirst = true;
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
        if (isFirst) setImmediate(flush);
        else if (lines === '') setTimeout(flush, GATHER_MS);
        isFirst = false;
        lines += printable(line);
      },
    },
  );
}
