// Runs beside the programs and outlives their parent by a moment: when the pipe from the parent breaks, however the parent
// ended, it ends what the parent had started and removes what the parent did not mean to keep.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What the parent says, a JSON object a line. A program that it starts is the leader of a process group. */
export type Word = { readonly started: number } | { readonly ended: number } | { readonly remove: string };

if (import.meta.main) {
  const running = new Set<number>();
  const leftovers: string[] = [];
  for await (const line of createInterface(process.stdin)) {
    const word = JSON.parse(line) as Word;
    if ('started' in word) running.add(word.started);
    else if ('ended' in word) running.delete(word.ended);
    else leftovers.push(word.remove);
  }
  // Programs without a parent have nothing to save that somebody asked to keep: etcd writes ahead.
  for (const pid of running) killGroup(pid);
  for (const path of leftovers) rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
