import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startGuard } from './guard.ts';

/** A program ended unexpectedly. The message contains the end of its log. */
export class ProgramEndedError extends Error {
  override readonly name = 'ProgramEndedError';
}

export interface StartOptions {
  /** The environment of this process when absent. */
  readonly environment?: Record<string, string>;
  readonly onLine?: (line: string) => void;
}

/** How long a program may take to end after SIGTERM, before it gets SIGKILL. */
const GRACE_MS = 5_000;
const LAST_LINES = 12;

/** A group of programs that end when this process ends, even if it is killed. */
export class Processes {
  readonly #logs: string;
  readonly #guard = startGuard();
  readonly #running: { readonly name: string; readonly child: ChildProcess; readonly ended: Promise<void> }[] = [];
  #stopping = false;
  #fail: (error: ProgramEndedError) => void = () => {};
  /** Rejects when a program ends before `stop`. Never resolves. */
  readonly failure: Promise<never>;
  /** Process ids, by program. */
  readonly pids = new Map<string, number>();

  /** @param leftover file or folder to remove when the programs have ended. */
  constructor(logs: string, leftover: string | undefined) {
    this.#logs = logs;
    this.failure = new Promise((_, reject) => (this.#fail = reject));
    this.failure.catch(() => {});
    if (leftover !== undefined) this.#guard.tell({ remove: leftover });
  }

  /** Starts a program. Its output goes to its log file, except that `onLine` receives stdout if it is given. */
  start(name: string, file: string, args: readonly string[], { environment, onLine }: StartOptions = {}): void {
    const log = openSync(this.logOf(name), 'w', 0o600);
    const child = spawn(file, args, {
      detached: true,
      env: environment ?? process.env,
      stdio: ['ignore', onLine === undefined ? log : 'pipe', log],
    });
    closeSync(log);
    if (onLine !== undefined && child.stdout !== null) createInterface(child.stdout).on('line', onLine);
    const { pid } = child;
    if (pid !== undefined) {
      this.pids.set(name, pid);
      this.#guard.tell({ started: pid });
    }
    const ended = new Promise<void>((resolve) => {
      const end = (how: string) => {
        if (pid !== undefined) this.#guard.tell({ ended: pid });
        if (!this.#stopping)
          this.#fail(new ProgramEndedError(`${name} ended unexpectedly (${how}):\n${this.#lastLines(name)}`));
        resolve();
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    });
    this.#running.push({ name, child, ended });
  }

  /** Stops the programs in the reverse order of their start, and waits until they have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { child, ended } of this.#running.toReversed()) {
      child.kill('SIGTERM');
      const killTimer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await ended;
      clearTimeout(killTimer);
    }
    await this.#guard.end();
  }

  logOf = (name: string): string => join(this.#logs, `${name}.log`);

  #lastLines(name: string): string {
    return readFileSync(this.logOf(name), 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  }
}
