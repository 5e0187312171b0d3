/** A wrong command line or file. The message says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Exit codes of the program, which scripts may rely on. */
export const EXIT = {
  ok: 0,
  /** The command failed, for example because the cluster did not answer. */
  error: 1,
  /** The command line or a file is wrong. */
  usage: 2,
  /** The command worked, and the answer is no: something would change, is not Ready, or is not as it should be. */
  no: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
