import type { ChildProcess } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { boundLog, earlierOf } from './bound-log.ts';
import { startGuard } from './guard.ts';
import { lastLines } from './last-lines.ts';
import { endOf, launched, type LaunchOptions } from './launch.ts';

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

export interface StartOptions extends LaunchOptions {
  /** How often it is started again if it ends unexpectedly. None when absent. */
  readonly restarts?: number;
  /** Called with how it ended when it has been started again. */
  readonly onRestart?: (how: string) => void;
}

interface Running {
  readonly name: string;
  /** Another one after a restart. */
  child: ChildProcess;
  /** Resolves when it has ended and is not started again. */
  ended: Promise<void>;
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
  readonly #running: Running[] = [];
  readonly #boundingLogs: NodeJS.Timeout;
  #stopping = false;
  #fail: (error: unknown) => void = () => {};
  /** Rejects when a program ends before `stop`, or cannot be started again. Never resolves. */
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
  start(name: string, file: string, args: readonly string[], options: StartOptions = {}): void {
    writeFileSync(this.logOf(name), '', { mode: 0o600 });
    rmSync(earlierOf(this.logOf(name)), { force: true });
    const launch = (): ChildProcess => this.#launch(name, file, args, options);
    const running = { name, child: launch(), ended: Promise.resolve() };
    // A full disk, for example, keeps it from starting again.
    running.ended = this.#watch(running, launch, options).catch((error) => this.#fail(error));
    this.#running.push(running);
  }

  #launch(name: string, file: string, args: readonly string[], options: StartOptions): ChildProcess {
    const child = launched(file, args, this.logOf(name), options);
    if (child.pid !== undefined) {
      this.pids.set(name, child.pid);
      this.#guard.tell({ started: child.pid });
    }
    return child;
  }

  async #watch(running: Running, launch: () => ChildProcess, { restarts = 0, onRestart }: StartOptions): Promise<void> {
    for (let left = restarts; ; left--) {
      const { child, name } = running;
      const closed = new Promise((resolve) => child.once('close', resolve));
      const how = await endOf(child);
      if (child.pid !== undefined) this.#guard.tell({ ended: child.pid });
      if (this.#stopping) return;
      if (left === 0) {
        // The logs stay when the folder that contains them is removed.
        this.#guard.tell({ keep: this.logs });
        await Promise.race([closed, delay(OUTPUT_MS, undefined, { ref: false })]);
        const message = `${name} ended unexpectedly (${how}):\n${this.#lastLines(name)}`;
        this.#fail(new ProgramEndedError(message, { logs: this.logs, program: name, exitCode: child.exitCode }));
        return;
      }
      running.child = launch();
      onRestart?.(how);
    }
  }

  /** Stops the programs in the reverse order of their start, and waits until they have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#boundingLogs);
    for (const running of this.#running.toReversed()) {
      running.child.kill('SIGTERM');
      const killTimer = setTimeout(() => running.child.kill('SIGKILL'), GRACE_MS);
      await running.ended;
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
