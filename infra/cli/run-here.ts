import { EXIT } from './errors.ts';
import { run, type Process } from './program.ts';

/** A command that asks for this ends itself at Ctrl-C. Any other command, and a second Ctrl-C, end at once. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/** Runs the command line of this process, with its streams and its environment. */
export async function runHere({ running, otherwise }: Pick<Process, 'running' | 'otherwise'> = {}): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of our output may end first, as `head` does. Anything else means that a part of it is lost, as on a full disk.
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`Error: Could not print the answer: ${error.message}\n`, () => process.exit(EXIT.error));
  });
  // There is nowhere to report this. The exit code still says how the command ended.
  process.stderr.on('error', () => {});

  process.exitCode = await run(process.argv.slice(2), {
    out: (text) => process.stdout.write(`${text}\n`),
    error: (text) => process.stderr.write(`${text}\n`),
    now: () => new Date(),
    interrupted,
    kubeconfig: process.env['KUBECONFIG'],
    running,
    otherwise,
  });
}
