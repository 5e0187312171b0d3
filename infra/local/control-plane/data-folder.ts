import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { fileText } from '../../../functions/cluster/credentials/file-text.ts';
import { isFullDisk } from '../full-disk.ts';
import { makeFolder } from '../make-folder.ts';
import { ProgramEndedError } from '../processes/processes.ts';
import { DamagedFileError } from './certificates.ts';

/** The folder that contains all files of one control plane. */
export interface DataFolder {
  readonly path: string;
  readonly lifetime: 'kept' | 'temporary';
  /** `used` if an earlier control plane has left its data. */
  readonly age: 'new' | 'used';
  /** What to remove when the control plane has ended: the whole folder, or only the lock file. */
  readonly leftover: string;
}

/** Contains the ids of the processes that use the folder: the one that started the control plane, and its guardian. */
const LOCK = 'in-use-by';
/** In bytes. */
const LARGEST_LOCK = 1024;

/** The folder cannot be used. The message names the flag or variable that chooses another. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/** Another process uses the folder. */
class InUseError extends Error {
  readonly owner: string;

  constructor(owner: string, message: string, options: ErrorOptions) {
    super(message, options);
    this.owner = owner;
  }
}

/** Creates a folder that is removed at the end. @throws DataFolderError */
export function temporaryFolder(): DataFolder {
  try {
    const path = mkdtempSync(join(tmpdir(), 'website-reconciler-'));
    return { path, lifetime: 'temporary', age: 'new', leftover: path };
  } catch (error) {
    const why = messageOf(error);
    throw new DataFolderError(
      `The temporary folder ${tmpdir()} cannot be used (${why}): set TMPDIR to another folder`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Opens a folder that is kept. It locks the folder, because two control planes would overwrite each other's credentials.
 * @throws DataFolderError
 */
export function keptFolder(name: string): DataFolder {
  // Kubeconfigs contain paths into this folder, and resolve relative paths against their own location.
  const path = resolve(name);
  const lock = join(path, LOCK);
  const age = ['etcd', 'pki'].some((part) => existsSync(join(path, part))) ? 'used' : 'new';
  try {
    makeFolder(path, 0o700);
    refuseForeign(path);
    takeLock(lock);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new DataFolderError(`--data ${name} cannot be used: ${error.message}`, { cause: error });
  }
  return { path, lifetime: 'kept', age, leftover: lock };
}

/** An npm start that was asked to stop needs some seconds until it releases its folder. */
const WAIT_MS = 10_000;
const POLL_MS = 100;

/** Like `keptFolder`, but it waits a while for another process to release the folder. @param note says once what it waits for. */
export async function releasedFolder(
  name: string,
  note: (line: string) => void,
  waitMs = WAIT_MS,
): Promise<DataFolder> {
  const start = performance.now();
  for (let isNoted = false; ; isNoted = true) {
    try {
      return keptFolder(name);
    } catch (error) {
      const inUse = error instanceof DataFolderError && error.cause instanceof InUseError ? error.cause : undefined;
      if (inUse === undefined || performance.now() - start > waitMs) throw error;
      if (!isNoted) note(`Waiting up to ${waitMs / 1000} s for process ${inUse.owner} to release --data ${name}`);
    }
    await delay(POLL_MS);
  }
}

/**
 * What to tell the user of a kept folder when the control plane did not start.
 * @param name the folder, as the user named it.
 */
export function startErrorOf(error: unknown, name: string, { age }: DataFolder): unknown {
  if (!(error instanceof Error) || error instanceof DataFolderError || isFullDisk(error.message)) return error;
  const toDo = age === 'used' ? DELETE_OR_CHOOSE : 'Choose another folder with --data.';
  if (error instanceof DamagedFileError)
    return new DataFolderError(`--data ${name} cannot be used: ${error.message}. ${toDo}`, { cause: error });
  if (age === 'new') return error;
  if (error instanceof ProgramEndedError) return maybeDamaged(error, name);
  return new DataFolderError(`${error.message}\n${adviceFor(name)}`, { cause: error });
}

/**
 * What to tell the user of a kept folder when a program ended after the start. etcd reads a part of its files only when it needs
 * them, and panics if they are damaged. A signal has another cause, such as too little memory.
 */
export function endErrorOf(error: unknown, name: string): unknown {
  const isOfEtcd = error instanceof ProgramEndedError && error.program === 'etcd' && error.exitCode !== null;
  return isOfEtcd && !isFullDisk(error.message) ? maybeDamaged(error, name) : error;
}

const maybeDamaged = (error: ProgramEndedError, name: string): ProgramEndedError =>
  new ProgramEndedError(`${error.message}\n${adviceFor(name)}`, error);
const adviceFor = (name: string): string => `The files in --data ${name} may be damaged. ${DELETE_OR_CHOOSE}`;

export const DELETE_OR_CHOOSE = 'Delete the folder, or choose another with --data.';

/** Refuses a folder of the user's files, because the control plane would mix its own with them. */
function refuseForeign(path: string): void {
  const entries = readdirSync(path);
  const isOwn = entries.includes(LOCK) || ['etcd', 'pki'].every((part) => entries.includes(part));
  // A disk that is used whole has the folder lost+found from the start.
  if (isOwn || entries.every((entry) => entry === 'lost+found')) return;
  throw new Error('it contains other files: choose an empty folder, or the folder of an earlier npm start');
}

/** The folder stays locked while the guardian cleans up after a start that was killed. The guardian removes the lock. */
export function alsoHeldBy({ lifetime, leftover }: DataFolder, guardian: number | undefined): void {
  // Appending never leaves the lock empty for a moment, as writing it again would.
  if (lifetime === 'kept' && guardian !== undefined) appendFileSync(leftover, ` ${guardian}`);
}

function takeLock(lock: string): void {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const owner = ownersIn(lock).find((pid) => isAlive(Number(pid)));
    if (owner !== undefined) {
      const message = `process ${owner} is using it: stop that process, or choose another folder (lock file: ${lock})`;
      throw new InUseError(owner, message, { cause: error });
    }
    rmSync(lock, { force: true });
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
  }
}

function ownersIn(lock: string): string[] {
  try {
    return fileText(lock, LARGEST_LOCK).split(' ');
  } catch (error) {
    // The guardian has just removed it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Signal 0 only checks that the process exists. EPERM means that it exists and belongs to another user. */
function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
