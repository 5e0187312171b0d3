import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { boundLog, earlierOf } from './bound-log.ts';
import { startGuard } from './guard.ts';
import { lastLines } from './last-lines.ts';

/** A program ended unexpectedly. The message contains the end of its log, and the logs are kept. */
export class ProgramEndedError extends Error {
  override readonly name = 'ProgramEndedError';
  /** The folder of its log. */
  readonly logs: string;
  readonly program: string;
  /** Null if a signal ended it. */
  readonly exitCode: number | null;

  constructor(message: string, { logs, program, exitCode }: Pick<ProgramEndedError, 'logs' | 'program' | 'exitCode'>) {
    super(message);
    this.logs = logs;
    this.program = program;
    this.exitCode = exitCode;
  }
}

export interface StartOptions {
  /** The environment of this process when absent. */
  readonly environment?: Record<string, string>;
  /** Called with each line of stdout. */
  readonly onLine?: (line: string) => void;
}

export interface LogLimits {
  /** In bytes. A larger log starts again, and a second file keeps the lines before. */
  readonly largestLog?: number;
  readonly checkMs?: number;
}

const LARGEST_LOG = 32 * 1024 * 1024;
const CHECK_MS = 10_000;
/** How long a program may take to end after SIGTERM, before it gets SIGKILL. */
const GRACE_MS = 5_000;
/** How long the end of a program's output may take to arrive after the program has ended. */
const OUTPUT_MS = 1_000;

/** A group of programs that end when this process ends, even if it is killed. */
export class Processes {
  /** The folder of the logs, one file for each program, and a second one if it logs much. */
  readonly logs: string;
  readonly #guard = startGuard();
  readonly #running: { readonly name: string; readonly child: ChildProcess; readonly ended: Promise<void> }[] = [];
  readonly #boundingLogs: NodeJS.Timeout;
  #stopping = false;
  #fail: (error: ProgramEndedError) => void = () => {};
  /** Rejects when a program ends before `stop`. Never resolves. */
  readonly failure: Promise<never>;
  /** Process ids, by program. */
  readonly pids = new Map<string, number>();

  constructor(logs: string, { largestLog = LARGEST_LOG, checkMs = CHECK_MS }: LogLimits = {}) {
    this.logs = logs;
    this.#boundingLogs = setInterval(() => {
      for (const { name } of this.#running) boundLog(this.logOf(name), largestLog);
    }, checkMs).unref();
    this.failure = new Promise((_, reject) => (this.#fail = reject));
    this.failure.catch(() => {});
  }

  /** The process that ends the programs if this one is killed. */
  get guardian(): number | undefined {
    return this.#guard.pid;
  }

  /** Removes a file or folder when the programs have ended. */
  removeAtEnd(path: string): void {
    this.#guard.tell({ remove: path });
  }

  /** Starts a program. All its output goes to its log file. */
  start(name: string, file: string, args: readonly string[], { environment, onLine }: StartOptions = {}): void {
    // The program appends its own stderr while we append the lines of its stdout.
    writeFileSync(this.logOf(name), '', { mode: 0o600 });
    rmSync(earlierOf(this.logOf(name)), { force: true });
    const log = openSync(this.logOf(name), 'a');
    const child = spawn(file, args, {
      detached: true,
      env: environment ?? process.env,
      stdio: ['ignore', onLine === undefined ? log : 'pipe', log],
    });
    if (onLine === undefined || child.stdout === null) closeSync(log);
    else
      createInterface(child.stdout)
        .on('line', (line) => {
          append(log, line);
          onLine(line);
        })
        .on('close', () => closeSync(log));
    const { pid } = child;
    if (pid !== undefined) {
      this.pids.set(name, pid);
      this.#guard.tell({ started: pid });
    }
    const ended = this.#untilEnded(name, child);
    this.#running.push({ name, child, ended });
  }

  async #untilEnded(name: string, child: ChildProcess): Promise<void> {
    const closed = new Promise((resolve) => child.once('close', resolve));
    const how = await new Promise<string>((resolve) => {
      child.once('error', ({ message }) => resolve(message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    if (child.pid !== undefined) this.#guard.tell({ ended: child.pid });
    if (this.#stopping) return;
    // The logs stay when the folder that contains them is removed.
    this.#guard.tell({ keep: this.logs });
    await Promise.race([closed, delay(OUTPUT_MS, undefined, { ref: false })]);
    const message = `${name} ended unexpectedly (${how}):\n${this.#lastLines(name)}`;
    this.#fail(new ProgramEndedError(message, { logs: this.logs, program: name, exitCode: child.exitCode }));
  }

  /** Stops the programs in the reverse order of their start, and waits until they have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#boundingLogs);
    for (const { child, ended } of this.#running.toReversed()) {
      child.kill('SIGTERM');
      const killTimer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await ended;
      clearTimeout(killTimer);
    }
    await this.#guard.end();
  }

  logOf = (name: string): string => join(this.logs, `${name}.log`);

  #lastLines(name: string): string {
    try {
      return lastLines(readFileSync(this.logOf(name), 'utf8'));
    } catch (error) {
      return `Its log cannot be read: ${messageOf(error)}`;
    }
  }
}

/** A full disk loses lines of the log. It stops nothing. */
function append(log: number, line: string): void {
  try {
    writeSync(log, `${line}\n`);
  } catch {
    // The lines still reach `onLine`.
  }
}
