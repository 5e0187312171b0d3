import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Message } from './guardian.ts';

/** The connection to a guardian process, which cleans up even if this process is killed. */
export interface Guard {
  readonly pid: number | undefined;
  tell(message: Message): void;
  /** Makes the guardian clean up now, and waits until it has finished. */
  end(): Promise<void>;
}

export function startGuard(): Guard {
  // Detached, because Ctrl-C goes to the whole process group, and only this process knows the right order to stop programs.
  const guardian = spawn(process.execPath, [fileURLToPath(new URL('guardian.ts', import.meta.url))], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  const { stdin } = guardian;
  stdin.on('error', () => {});
  const ended = new Promise<void>((resolve) => guardian.once('exit', () => resolve()));
  return {
    pid: guardian.pid,
    tell: (message) => {
      stdin.write(`${JSON.stringify(message)}\n`);
    },
    end() {
      guardian.ref();
      stdin.end();
      return ended;
    },
  };
}
