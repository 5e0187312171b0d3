import { execFile } from 'node:child_process';
import { inherited } from '../program.ts';

/** How a run of the program ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs the program as it ships, with nothing of this process's environment but {@link inherited}. */
export const website = async (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  ended(['dist/cli/website.mjs', ...args], { ...inherited(), ...environment });

/** Runs Node with these arguments, whether they succeed or not. */
export const ended = (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, out, errors) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, error: errors }),
    );
  });
