import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { unreadable } from '../without-secrets.ts';

const CHUNK_BYTES = 64 * 1024;
/** No file of credentials is larger, in bytes: a Secret holds at most 1 MiB. */
export const LARGEST_CREDENTIALS = 1024 * 1024;

/**
 * The text of a file, a pipe or a device, which may have no end.
 * @param path a path, or the number of an open file.
 * @throws an Error if it cannot be read, or is larger than `most` bytes.
 */
export function fileText(path: string | number, most: number): string {
  const file = typeof path === 'number' ? path : openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = readSync(file, chunk);
      if (count === 0) return Buffer.concat(chunks).toString('utf8');
      size += count;
      if (size > most) throw new Error(`it is larger than ${most} bytes: check that it is the right file`);
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    if (file !== path) closeSync(file);
  }
}

/** The text of a file of credentials. @throws an Error if it cannot be read, is too large, or is no file: a pipe would block the program. */
export function credentialText(path: string): string {
  if (!statSync(path).isFile()) throw new Error('it is not a file');
  return fileText(path, LARGEST_CREDENTIALS);
}

/** The same, with an Error that names the file. */
export function credentialsIn(path: string): string {
  try {
    return credentialText(path);
  } catch (error) {
    throw new Error(unreadable(path, error), { cause: error });
  }
}
