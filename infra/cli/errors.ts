import { messageOf } from '../../functions/cluster/causes.ts';
import { ClusterError, type ErrorCode } from '../../functions/cluster/errors.ts';

/** Exit codes of the program, which scripts may rely on. */
export const EXIT = {
  ok: 0,
  /** The command failed, for example because the cluster did not answer. */
  error: 1,
  /** The command line or a file is wrong. */
  usage: 2,
  /** The command worked, and the answer is no: something would change, is not Ready, or is not as it should be. */
  no: 3,
  /** The command worked, but could not see enough to answer yes or no. */
  unknown: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The answer to a request, or `instead` if the API server refuses it with one of these codes. */
export async function ifRefused<T, Instead>(
  answer: Promise<T>,
  codes: readonly ErrorCode[],
  instead: Instead,
): Promise<T | Instead> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ClusterError && codes.includes(error.code)) return instead;
    throw error;
  }
}

export const isForbidden = (error: unknown): boolean => error instanceof ClusterError && error.code === 'Forbidden';

/** Why there is no answer. `fetch` wraps the system's error as the cause. */
export const whyOf = (error: unknown): string =>
  messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
