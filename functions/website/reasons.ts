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
  'Rejected',
  'QuotaExceeded',
  'MissingApi',
  'TooLarge',
  'InvalidSpec',
] as const;
export type ReadyReason = (typeof READY_REASONS)[number];

/** The judgement of the observed state. `stalled` needs somebody to act, `progressing` only time. */
export interface Verdict {
  readonly state: 'ready' | 'suspended' | 'progressing' | 'stalled';
  readonly reason: ReadyReason;
  readonly message: string;
  /** `Pods`: add the cause found in the Pods to the message. */
  readonly explainedBy?: 'Pods';
}
