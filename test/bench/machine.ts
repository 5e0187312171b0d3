// Where something was measured, and at which commit.
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { KUBERNETES } from '../../infra/local/binaries/versions.ts';

export interface Machine {
  /** ISO 8601. */
  readonly at: string;
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly kubernetes: string;
}

export const thisMachine = (): Machine => ({
  at: new Date().toISOString(),
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  kubernetes: KUBERNETES,
});
