import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface LaunchOptions {
  /** The environment of this process when absent. */
  readonly environment?: Record<string, string>;
  /** Called with each line of stdout. */
  readonly onLine?: (line: string) => void;
}

/** Starts a program as the leader of a process group. Its output is appended to the log file. */
export function launched(
  file: string,
  args: readonly string[],
  logFile: string,
  { environment, onLine }: LaunchOptions,
): ChildProcess {
  // The program appends its own stderr while we append the lines of its stdout.
  const log = openSync(logFile, 'a');
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
  return child;
}

/** @returns how the program ended: a signal, an exit code, or why it could not be started. */
export const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });

/** A full disk loses lines of the log. It stops nothing. */
function append(log: number, line: string): void {
  try {
    writeSync(log, `${line}\n`);
  } catch {
    // The lines still reach `onLine`.
  }
}
