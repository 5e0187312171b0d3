import { copyFileSync, statSync, truncateSync } from 'node:fs';

/** The file of the lines before those in the log. */
export const earlierOf = (log: string): string => `${log}.1`;

/**
 * Moves the lines of a log that has grown too large to a second file, which they replace. The programs have opened the log for
 * appending, so they continue at its new start.
 */
export function boundLog(log: string, largest: number): void {
  try {
    if (statSync(log).size <= largest) return;
    keepEarlier(log);
    truncateSync(log);
  } catch {
    // The log was deleted.
  }
}

/** A full disk loses these lines, so that it gets space again. */
function keepEarlier(log: string): void {
  try {
    copyFileSync(log, earlierOf(log));
  } catch {
    // The latest lines matter most.
  }
}
