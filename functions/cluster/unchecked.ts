// Dry runs to which the API server answers without judging the write.
import { ClusterError, type ErrorCode } from './errors.ts';

/** A write that the API server did not check, because its dry run failed. The functions may be able to make it. */
export interface Unchecked {
  readonly kind: string;
  readonly name: string;
  readonly code: ErrorCode;
  /** What the API server said. */
  readonly why: string;
}

/** The answer of the API server to a dry run that a webhook with side effects would see. */
const NO_DRY_RUN = /admission webhook "[^"]*" does not support dry run/;

/**
 * Whether the same write may succeed when the functions make it:
 * - `Forbidden`: this user lacks the right to make it. The functions may have it.
 * - `InternalError`: an admission webhook for this kind of object cannot be called now.
 * - the webhook does not support dry runs.
 */
export const isInconclusive = (error: unknown): error is ClusterError =>
  error instanceof ClusterError &&
  (error.code === 'Forbidden' ||
    error.code === 'InternalError' ||
    (error.code === 'BadRequest' && NO_DRY_RUN.test(error.message)));

/** The same, or the object has changed since it was read. The functions would read it again. */
export const isUnjudged = (error: unknown): error is ClusterError =>
  isInconclusive(error) || (error instanceof ClusterError && error.class === 'conflict');

export const uncheckedOf = (kind: string, name: string, { code, message }: ClusterError): Unchecked => ({
  kind,
  name,
  code,
  why: message,
});
