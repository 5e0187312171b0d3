import type { Log } from './log.ts';

/**
 * Keeps the process when a promise is rejected that nobody handles. Every task of ours has its own handler, so such a rejection is a
 * defect of one task, ours or a library's. Node would end the process, and with it every request at work; the state of others is
 * not in doubt, since each reconcile reads all that it needs. An exception that is thrown outside of any promise still ends it.
 */
export function surviveRejections(log: Pick<Log, 'error'>): void {
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'A task failed without a handler'));
}
