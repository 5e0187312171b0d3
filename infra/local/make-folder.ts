import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a folder and those that contain it, if they do not exist. Node's own option `recursive` never returns if the parent
 * exists but cannot contain folders, as in /proc.
 */
export function makeFolder(path: string, mode = 0o777): void {
  const parent = dirname(path);
  if (!existsSync(parent)) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!existsSync(path) || !statSync(path).isDirectory()) throw error;
  }
}
