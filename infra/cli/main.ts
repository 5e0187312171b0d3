#!/usr/bin/env node
import { run } from './program.ts';

/** A command that asks for this ends itself at Ctrl-C. Any other command, and a second Ctrl-C, end at once. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

// The reader of our output may end first, as `head` does.
process.stdout.on('error', () => process.exit());

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(`${text}\n`),
  error: (text) => process.stderr.write(`${text}\n`),
  now: () => new Date(),
  interrupted,
  kubeconfig: process.env['KUBECONFIG'],
});
