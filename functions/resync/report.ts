import type { WebsiteKey } from '../website/resource.ts';

/** What a resync found and did, in numbers of Websites. */
export interface ResyncReport {
  readonly seen: number;
  /** Written to, not reconciled because of an error, or left to the next resync. */
  readonly differing: number;
  /** Written to, and no person has to act. */
  readonly repaired: number;
  /** Written to, and a person has to act: the condition Stalled says what to do. */
  readonly stalled: number;
  /** Not reconciled because of an error that concerns one Website: the log shows it. The next resync tries again. */
  readonly failed: number;
  /** Not reconciled because the cluster did not answer. Another resync soon may help. */
  readonly unreached: number;
  /** Different or not compared, and left to the next resync because time ran out or too many failed. */
  readonly unfinished: number;
}

/** Whether nothing is left to another resync soon. A Website that fails for a reason of its own does not count. */
export const isComplete = ({ unreached, unfinished }: ResyncReport): boolean => unreached + unfinished === 0;

/** The last Website of a resync that ran out of time. The next resync in the same process continues behind it. */
export interface ResyncPlace {
  last: WebsiteKey | undefined;
}
