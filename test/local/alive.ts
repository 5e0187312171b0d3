import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { eventually } from '../eventually.ts';

/** Whether a process runs: one that only waits to be collected has no command line any more. */
export function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
}

/** Suspends a process, and waits until none of its threads runs any more. A busy machine takes a while. */
export async function suspend(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await eventually(() => {
    const states = readdirSync(`/proc/${pid}/task`).map(
      (thread) => /\) (\S)/.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'))?.[1],
    );
    expect(new Set(states)).toEqual(new Set(['T']));
  });
}

/** Resumes a suspended process, if it has not ended. */
export function resume(pid: number): void {
  if (isAlive(pid)) process.kill(pid, 'SIGCONT');
}

/** The numbers that a stand-in program wrote down, one a line. */
export function pidsIn(file: string): number[] {
  return readFileSync(file, 'utf8').trim().split('\n').map(Number);
}
