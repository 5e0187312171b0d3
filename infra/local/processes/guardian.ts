// A process that cleans up after its parent. However the parent ends, its pipe to this process closes. Then the guardian kills the
// programs that the parent started and removes its temporary files.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Messages from the parent, one JSON object per line. Each started program is the leader of a process group. */
export type Message =
  | { readonly started: number }
  | { readonly ended: number }
  | { readonly remove: string }
  /** A folder that stays, although a folder that contains it is removed. */
  | { readonly keep: string };

const running = new Set<number>();
const leftovers: string[] = [];
const kept: string[] = [];
for await (const line of createInterface(process.stdin)) {
  const message = JSON.parse(line) as Message;
  if ('started' in message) running.add(message.started);
  else if ('ended' in message) running.delete(message.ended);
  else if ('keep' in message) kept.push(message.keep);
  else leftovers.push(message.remove);
}
// SIGKILL loses no data that has to be kept: etcd has a write-ahead log.
for (const pid of running) killGroup(pid);
for (const path of leftovers) remove(path);

function remove(path: string): void {
  if (kept.includes(path)) return;
  const entries = kept.some((each) => each.startsWith(join(path, '/'))) && existsSync(path) ? readdirSync(path) : [];
  if (entries.length > 0) entries.forEach((entry) => remove(join(path, entry)));
  else rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // The program has already ended.
  }
}
