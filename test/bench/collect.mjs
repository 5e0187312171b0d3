// Loaded into a program before it starts: SIGUSR2 collects its garbage and reports what is left. RSS alone does not tell memory
// that is in use from memory that was. This is JavaScript, because Node would take 17 MiB more to read TypeScript.
import { writeSync } from 'node:fs';

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  // Not by process.stdout, which would make the pipe non-blocking for the program's own log as well.
  writeSync(1, `${JSON.stringify({ msg: 'Collected', ...process.memoryUsage() })}\n`);
});
