import { messageOf } from '../../../functions/cluster/causes.ts';
import { isFullDisk } from '../full-disk.ts';
import type { Options } from '../options.ts';
import { ProgramEndedError } from '../processes/processes.ts';

const TEMPORARY = 'set TMPDIR to a folder on another disk';
const KEPT = 'choose another --data folder';

/** An error for people: what happened, what to do, and where the logs are. */
export function failureText(error: unknown, { data }: Pick<Options, 'data'>): string {
  const message = messageOf(error);
  const lines = [message];
  if (isFullDisk(message) && !/TMPDIR|XDG_CACHE_HOME/.test(message))
    lines.push(`The disk is full: free some space, or ${data === undefined ? TEMPORARY : KEPT}.`);
  if (error instanceof ProgramEndedError) lines.push(`The logs are kept in ${error.logs}`);
  return lines.join('\n');
}
