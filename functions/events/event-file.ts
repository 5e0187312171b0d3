import type { Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent } from 'cloudevents';
import { messageOf } from '../cluster/causes.ts';

/** How long `close` waits for a write. A network file system may never answer. */
const CLOSE_MS = 3_000;
const NEWLINE = 0x0a;

interface Waiting {
  readonly lines: readonly string[];
  readonly signal: AbortSignal | undefined;
  resolve(): void;
  reject(error: Error): void;
}

/** The line of an event in a file that `website events replay` reads. */
export const lineOf = (event: CloudEvent<unknown>): string => `${JSON.stringify(event)}\n`;

/**
 * A file of events, to which one process appends. Lines keep their order. Those that wait during a write are written together.
 *
 * After a failed write, it cuts off the part that was written. If a previous process ended in the middle of a line, it ends that line
 * before it writes the next one. A file that was renamed or deleted is created again.
 */
export class EventFile {
  readonly #path: string;
  #file: FileHandle | undefined;
  /** Whether the file may end in the middle of a line. */
  #isDoubtful = true;
  #waiting: Waiting[] = [];
  #work: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Opens the file now, to find out early that it cannot be written. @throws an Error that names the path. */
  async open(): Promise<void> {
    await this.#naming(() => this.#opened());
  }

  /**
   * Resolves once the lines are in the file. They survive the end of this process, but perhaps not a failure of the machine.
   * @param signal gives up. Lines that are being written at that moment may still be in the file.
   * @throws an Error that names the path.
   */
  append(lines: readonly string[], signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const givenUp = () => reject(new Error(`Could not write ${this.#path}: it takes too long`));
      signal?.addEventListener('abort', givenUp, { once: true });
      this.#waiting.push({ lines, signal, resolve, reject });
      this.#work ??= this.#writeWaiting();
    });
  }

  async close(): Promise<void> {
    const closed = async () => {
      await this.#work;
      await this.#file?.close();
    };
    await Promise.race([closed(), delay(CLOSE_MS, undefined, { ref: false })]);
  }

  /** It never throws. */
  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.filter(({ signal }) => signal?.aborted !== true);
      this.#waiting = [];
      try {
        await this.#naming(() => this.#write(batch.flatMap(({ lines }) => lines).join('')));
        for (const each of batch) each.resolve();
      } catch (error) {
        for (const each of batch) each.reject(error as Error);
      }
    }
    this.#work = undefined;
  }

  async #write(text: string): Promise<void> {
    const file = await this.#opened();
    const before = await file.stat();
    const start = this.#isDoubtful && (await endsInLine(file, before.size)) ? '\n' : '';
    this.#isDoubtful = false;
    try {
      await file.appendFile(start + text);
    } catch (error) {
      // For example, the disk is full. If this fails too, the next write ends the line.
      this.#isDoubtful = true;
      if (before.isFile()) await file.truncate(before.size).catch(() => {});
      throw error;
    }
  }

  /** The file at the path, which is a new one after a rotation. */
  async #opened(): Promise<FileHandle> {
    const there = await statsAt(this.#path);
    const known = await this.#file?.stat();
    if (this.#file !== undefined && isSame(there, known)) return this.#file;
    const previous = this.#file;
    this.#file = undefined;
    await previous?.close();
    // To open a pipe would wait for its reader.
    if (there !== undefined && !isWritable(there)) throw new Error('it is not a file');
    this.#isDoubtful = true;
    this.#file = await open(this.#path, 'a+', 0o600);
    return this.#file;
  }

  async #naming<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const why = messageOf(error);
      throw new Error(`Could not write ${this.#path}: ${why}`, { cause: error });
    }
  }
}

/** Undefined if there is nothing at the path. */
export async function statsAt(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether lines can be appended: neither a folder nor a pipe. */
export const isWritable = (stats: Stats): boolean => stats.isFile() || stats.isCharacterDevice();

const isSame = (one: Stats | undefined, other: Stats | undefined): boolean =>
  one?.ino === other?.ino && one?.dev === other?.dev;

/** Whether the last line of the file is not ended. */
async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 && buffer[0] !== NEWLINE;
}
