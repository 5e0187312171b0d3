// A process that cleans up after its parent. However the parent ends, its pipe to this process closes. Then the guardian kills the
// programs that the parent started and removes its temporary files.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Messages from the parent, one JSON object per line. Each started program is the leader of a process group. */
export type Message = { readonly started: number } | { readonly ended: number } | { readonly remove: string };

if (import.meta.main) {
  const running = new Set<number>();
  const leftovers: string[] = [];
  for await (const line of createInterface(process.stdin)) {
    const message = JSON.parse(line) as Message;
    if ('started' in message) running.add(message.started);
    else if ('ended' in message) running.delete(message.ended);
    else leftovers.push(message.remove);
  }
  // SIGKILL loses no data that has to be kept: etcd has a write-ahead log.
  for (const pid of running) killGroup(pid);
  for (const path of leftovers) rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // The program has already ended.
  }
}
