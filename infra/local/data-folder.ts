import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where one control plane keeps everything that belongs to it. */
export interface DataFolder {
  readonly path: string;
  readonly lifetime: 'kept' | 'temporary';
  /** What goes when the control plane has gone: the whole folder, or only the mark that it is in use. */
  readonly leftover: string;
}

/** The folder cannot be used; the message names the flag. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/** A folder that goes at the end. */
export function temporaryFolder(): DataFolder {
  const path = mkdtempSync(join(tmpdir(), 'website-reconciler-'));
  return { path, lifetime: 'temporary', leftover: path };
}

/**
 * A folder that stays, for one control plane at a time: two would write over each other's credentials.
 * @throws DataFolderError
 */
export function keptFolder(name: string): DataFolder {
  // Kubeconfigs name files in it, and a relative name means something else there.
  const path = resolve(name);
  const lock = join(path, 'in-use-by');
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    takeLock(lock);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new DataFolderError(`--data ${name} cannot be used: ${error.message}`, { cause: error });
  }
  return { path, lifetime: 'kept', leftover: lock };
}

function takeLock(lock: string): void {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const owner = readFileSync(lock, 'utf8');
    if (isAlive(Number(owner))) {
      throw new Error(`process ${owner} uses it: stop that one, or name another folder (${lock} says so)`, {
        cause: error,
      });
    }
    rmSync(lock, { force: true });
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
  }
}

/** Signal 0 is never sent: it only asks. A process of somebody else lives as well. */
function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
