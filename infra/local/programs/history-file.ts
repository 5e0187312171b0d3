import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { DataFolderError } from '../control-plane/data-folder.ts';

/**
 * Checks the history of an earlier start before the functions open it, because they start without one that they cannot read.
 * @throws DataFolderError
 */
export function checkHistory(file: string): void {
  if (!existsSync(file)) return;
  const why = problemIn(file);
  if (why !== undefined)
    throw new DataFolderError(
      `The history ${file} is damaged (${why}). Delete this file, delete the whole folder, or choose another with --data.`,
    );
}

function problemIn(file: string): string | undefined {
  try {
    const database = new DatabaseSync(file);
    try {
      const { quick_check: found } = database.prepare('PRAGMA quick_check(1)').get() ?? {};
      return found === 'ok' ? undefined : String(found);
    } finally {
      database.close();
    }
  } catch (error) {
    return messageOf(error);
  }
}
