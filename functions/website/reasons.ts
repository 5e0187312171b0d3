import type { ErrorCode } from '../cluster/errors.ts';

/** Every reason of the condition Ready: stable tokens that people search for and programs compare (docs/status.md). */
export const READY_REASONS = [
  'Available',
  'Parked',
  'Suspended',
  'Progressing',
  'Paused',
  'ReplicaFailure',
  'NotRouted',
  'WaitingForDeletion',
  'Overridden',
  'ProgressDeadlineExceeded',
  'NameConflict',
  'ImmutableSelector',
  'Forbidden',
  'InternalError',
  'Rejected',
  'QuotaExceeded',
  'MissingApi',
  'TooLarge',
  'InvalidSpec',
] as const;
export type ReadyReason = (typeof READY_REASONS)[number];

/**
 * Errors that a retry may fix, that concern the children of one Website and not the whole cluster, and that may last until somebody
 * acts. The status reports them while they last (status/lasting.ts). The code of the error is the reason.
 */
const LASTING_ERRORS = ['Forbidden', 'InternalError'] as const satisfies readonly (ReadyReason & ErrorCode)[];
export type LastingError = (typeof LASTING_ERRORS)[number];
export const isLastingError = (text: string): text is LastingError => LASTING_ERRORS.some((each) => each === text);

/** Reason of the Kubernetes Event about a status that the API server does not store. No condition can say so. */
export const STATUS_NOT_WRITTEN = 'StatusNotWritten';

/** The judgement of the observed state. `stalled` needs somebody to act, `progressing` only time. */
export interface Verdict {
  readonly state: 'ready' | 'suspended' | 'progressing' | 'stalled';
  readonly reason: ReadyReason;
  readonly message: string;
  /** `Pods`: add the cause found in the Pods to the message. */
  readonly explainedBy?: 'Pods';
}
