import { spawn } from 'node:child_process';

/** What a program printed, and how it ended. */
export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with nothing of the user's own configuration. */
export async function run(
  file: string,
  args: readonly string[],
  input = '',
  variables: Record<string, string> = {},
): Promise<Result> {
  const child = spawn(file, args, { env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...variables } });
  const parts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (parts.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (parts.stderr += chunk.toString()));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, ...parts };
}

/** What it printed. @throws Error with what it said when it fails or warns. */
export async function quietly(file: string, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, input);
  if (code === 0 && stderr === '') return stdout;
  throw new Error(`${args.join(' ')} ended with ${code}: ${stderr || stdout}`);
}
