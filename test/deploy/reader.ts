// A terminal in which the commands of a page run, one block after another, with what a reader has: kubectl, helm, and stand-ins.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Reader {
  /** The checkout in which the commands run: a copy of what the pages use. */
  readonly folder: string;
  /** Runs commands that have to succeed. @throws Error with what they printed. */
  run(commands: string): Promise<string>;
  /** Runs a command that may fail; what it printed. */
  try(command: string): Promise<string>;
  /** What was built and pushed. */
  pushed(): string[];
  stop(): Promise<void>;
}

/** @param standIns names of files in stand-ins/, which take the place of programs that cannot run here. */
export function startReader(
  programs: Readonly<Record<string, string>>,
  standIns: readonly string[],
  variables: Readonly<Record<string, string>>,
): Reader {
  const folder = mkdtempSync(join(tmpdir(), 'reader-'));
  const path = join(folder, '.programs');
  mkdirSync(path);
  for (const [name, file] of Object.entries(programs)) symlinkSync(file, join(path, name));
  for (const name of standIns) {
    copyFileSync(new URL(`stand-ins/${name}`, import.meta.url), join(path, name));
    chmodSync(join(path, name), 0o755);
  }
  for (const part of ['crds', 'infra']) cpSync(part, join(folder, part), { recursive: true });
  const record = join(folder, '.record');
  writeFileSync(record, '');

  const shell = spawn('bash', ['--noprofile', '--norc'], {
    cwd: folder,
    env: { PATH: `${path}:/usr/local/bin:/usr/bin:/bin`, HOME: folder, RECORD: record, ...variables },
    stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
  });
  const stdin = shell.stdin as Writable;
  const endings = shell.stdio[3] as Readable;
  const ends = createInterface(endings)[Symbol.asyncIterator]();
  const exit = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  stdin.write('set -uo pipefail\n');

  /** The output and the exit code. The exit code is undefined if the shell ended with the command. */
  async function block(text: string, options: string): Promise<{ output: string; code: string | undefined }> {
    writeFileSync(join(folder, '.block'), text);
    const output = join(folder, '.output');
    stdin.write(`${options}\nsource .block >${output} 2>&1 </dev/null\necho $? >&3\n`);
    const { value, done } = await ends.next();
    return { output: readFileSync(output, 'utf8'), code: done === true ? undefined : value };
  }

  return {
    folder,
    async run(commands) {
      const { output, code } = await block(commands, 'set -e');
      if (code !== '0') throw new Error(`${commands}\nended the terminal:\n${output}`);
      return output;
    },
    try: async (command) => (await block(command, 'set +e')).output,
    pushed: () =>
      readFileSync(record, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('pushed '))
        .map((line) => line.slice('pushed '.length)),
    async stop() {
      stdin.end();
      await exit;
      rmSync(folder, { recursive: true });
    },
  };
}
