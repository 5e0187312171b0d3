// Runs beside the control plane and outlives its parent by a moment: when the pipe from the parent breaks, however the parent
// ended, it ends the programs that the parent had started and removes their temporary folder.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What the parent says, a JSON object a line. */
export type Word = { readonly started: number } | { readonly ended: number } | { readonly remove: string };

if (import.meta.main) {
  const running = new Set<number>();
  const folders: string[] = [];
  for await (const line of createInterface(process.stdin)) {
    const word = JSON.parse(line) as Word;
    if ('started' in word) running.add(word.started);
    else if ('ended' in word) running.delete(word.ended);
    else folders.push(word.remove);
  }
  // Programs without a parent have nothing to save that somebody asked to keep: etcd writes ahead.
  for (const pid of running) kill(pid);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
