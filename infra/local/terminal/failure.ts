import { isFullDisk } from '../full-disk.ts';
import { ProgramEndedError } from '../processes/processes.ts';

/** An error for people: what happened, what to do, and where the logs are. */
export function failureText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = [message];
  if (isFullDisk(message) && !/TMPDIR|XDG_CACHE_HOME/.test(message))
    lines.push('The disk is full: free some space, or set TMPDIR to a folder on another disk.');
  if (error instanceof ProgramEndedError) lines.push(`The logs are kept in ${error.logs}`);
  return lines.join('\n');
}
