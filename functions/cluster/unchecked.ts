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

/** The API server also answers 500 to a manifest with an unknown field. */
const WEBHOOK_FAILS = /failed calling webhook "[^"]*"/;

/** Whether a manifest may be accepted that this dry run did not check: the user lacks the right, or a webhook cannot be called now. */
export const isInconclusive = (error: unknown): error is ClusterError =>
  error instanceof ClusterError &&
  (error.code === 'Forbidden' || (error.code === 'InternalError' && WEBHOOK_FAILS.test(error.message)));

/**
 * Whether the functions may be able to make a write that this dry run did not check. They try again after every 500, and read an
 * object again that has changed since.
 */
export const isUnjudged = (error: unknown): error is ClusterError =>
  isInconclusive(error) ||
  (error instanceof ClusterError && (error.code === 'InternalError' || error.class === 'conflict'));

export const uncheckedOf = (kind: string, name: string, { code, message }: ClusterError): Unchecked => ({
  kind,
  name,
  code,
  why: message,
});
