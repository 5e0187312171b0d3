import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startGuard, type Guard } from '../processes/guard.ts';

/**
 * Runs `work` with a temporary folder in the same directory as `path`, so that a finished file can be renamed to `path`. At the
 * end it removes the folder and ends the programs that `work` started, even if this process is killed.
 */
export async function inWorkFolder<T>(path: string, work: (folder: string, guard: Guard) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(dirname(path), '.work-'));
  const guard = startGuard();
  guard.tell({ remove: folder });
  try {
    return await work(folder, guard);
  } finally {
    await guard.end();
  }
}
