// Dry runs that fail without saying whether the API server would accept the write.
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

/** Whether the API server may still accept the manifest: the user lacks the right to apply it, or a webhook cannot be called now. */
export const isInconclusive = (error: unknown): error is ClusterError =>
  error instanceof ClusterError &&
  (error.code === 'Forbidden' || (error.code === 'InternalError' && WEBHOOK_FAILS.test(error.message)));

/**
 * Whether the functions may still be able to make the write. They retry after every 500, and after a conflict they read the object
 * again.
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
