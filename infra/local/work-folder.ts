import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startGuard, type Guard } from './guard.ts';

/**
 * Runs `work` with a folder beside `path`, so that what is finished there can be renamed to `path`. The folder goes at the end,
 * and what was started there ends, even when this process is killed: what is cut off leaves nothing in the cache.
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
