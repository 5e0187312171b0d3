import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Word } from './guardian.ts';

/** The pipe to a guardian, which cleans up behind this process even when nothing here can. */
export interface Guard {
  tell(word: Word): void;
  /** Lets the guardian clean up now, and waits until it has. */
  end(): Promise<void>;
}

/** Starts a guardian. */
export function startGuard(): Guard {
  // Detached, as is what it guards: Ctrl-C in a terminal goes to the whole group, and only the parent knows the right order.
  const guardian = spawn(process.execPath, [fileURLToPath(new URL('guardian.ts', import.meta.url))], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  const { stdin } = guardian;
  stdin.on('error', () => {});
  const ended = new Promise<void>((resolve) => guardian.once('exit', () => resolve()));
  return {
    tell: (word) => {
      stdin.write(`${JSON.stringify(word)}\n`);
    },
    end() {
      guardian.ref();
      stdin.end();
      return ended;
    },
  };
}
