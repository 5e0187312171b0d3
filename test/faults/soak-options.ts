import { parseArgs } from 'node:util';
import { UsageError } from '../../infra/usage.ts';

export const USAGE = `Usage: npm run test:soak -- [flags]

  --minutes N     how long; default: 10
  --seed N        repeats the random choices of an earlier run; default: another one each time
  --memory PATH   changes without faults, and what both programs hold: the samples in PATH.jsonl, the chart in PATH.svg
  --from PATH     take the samples of an earlier run
  --record NAME   keep the samples of --memory or --from for docs/performance.md
  --help          print this text
`;

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly memory: string | undefined;
  readonly from: string | undefined;
  readonly record: string | undefined;
}

/** @returns `help` if the command line asks for it. @throws UsageError, or the error of Node about a flag that it does not know */
export function soakOptionsFrom(args: readonly string[]): SoakOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      memory: { type: 'string' },
      from: { type: 'string' },
      record: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return 'help';
  const { minutes: text, seed = String(Date.now() % 2 ** 31), memory, from, record } = values;
  const minutes = Number(text);
  if (!(Number.isFinite(minutes) && minutes > 0)) throw new UsageError('--minutes must be a number above 0');
  if (!/^\d{1,10}$/.test(seed)) throw new UsageError('--seed must be a whole number of at most 10 digits');
  return { minutes, seed: Number(seed), memory, from, record };
}
