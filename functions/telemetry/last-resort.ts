import type { Log } from './log.ts';

/**
 * Keeps the process alive after an unhandled rejection, which would end it and abort all running requests. Every task has its own
 * handler, so such a rejection is a bug in one task or in a library. Other requests are safe: each reconcile reads all that it needs.
 * An exception outside of a promise still ends the process.
 */
export function surviveRejections(log: Pick<Log, 'error'>): void {
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'A task failed without a handler'));
}
