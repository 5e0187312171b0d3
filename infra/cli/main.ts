#!/usr/bin/env node
import { run } from './program.ts';

const interrupted = new AbortController();
// A second Ctrl-C ends the program at once.
process.once('SIGINT', () => interrupted.abort());
// The reader of our output may end first, as `head` does.
process.stdout.on('error', () => process.exit());

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(`${text}\n`),
  error: (text) => process.stderr.write(`${text}\n`),
  now: () => new Date(),
  signal: interrupted.signal,
});
