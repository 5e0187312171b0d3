import { execFile } from 'node:child_process';

/** How a run of the program ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs the program as it ships, with nothing of this process's environment but what it needs to be found. */
export const website = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], ...environment };
    execFile(
      process.execPath,
      ['dist/cli/website.mjs', ...args],
      { env, maxBuffer: 64 * 1024 * 1024 },
      (error, out, errors) => resolve({ code: error === null ? 0 : Number(error.code), out, error: errors }),
    );
  });
