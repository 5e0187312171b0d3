import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ClusterAddress } from '../../functions/cluster/credentials.ts';

const folderIn = (cache: string): string => join(cache, 'running');

/**
 * Notes which cluster this process uses, so that `npm run kubectl` finds it.
 * @returns the file to remove at the end, or undefined if the cache cannot be written.
 */
export function noteRunning(cache: string, { kubeconfig = '', context }: ClusterAddress): string | undefined {
  const file = join(folderIn(cache), String(process.pid));
  try {
    mkdirSync(folderIn(cache), { recursive: true });
    writeFileSync(file, JSON.stringify({ kubeconfig: resolve(kubeconfig), context }), { mode: 0o600 });
    return file;
  } catch {
    return undefined;
  }
}

/** The cluster of the newest `npm start` that runs. */
export function findRunning(cache: string): ClusterAddress | undefined {
  const folder = folderIn(cache);
  if (!existsSync(folder)) return undefined;
  const notes = readdirSync(folder)
    .filter((pid) => /^\d+$/.test(pid) && isAlive(Number(pid)))
    .map((pid) => join(folder, pid))
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return notes.map(read).find(({ kubeconfig }) => kubeconfig !== undefined && existsSync(kubeconfig));
}

function read(file: string): ClusterAddress {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ClusterAddress;
  } catch {
    // Its process has just ended, or is still writing it.
    return {};
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
