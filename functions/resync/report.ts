import type { WebsiteKey } from '../website/resource.ts';

/** What a resync found and did, in Websites. */
export interface ResyncReport {
  readonly seen: number;
  /** Those that were written to, could not be reconciled, or were left. */
  readonly differing: number;
  /** Written to, and nobody has to act on them. */
  readonly repaired: number;
  /** Written to, and somebody has to act on them: their condition Stalled says what to do. */
  readonly stalled: number;
  /** Not reconciled, for a reason of its own: the log says which. The others go on, and the next resync tries again. */
  readonly failed: number;
  /** Not reconciled, because the cluster could not be asked: asking for another resync soon may help. */
  readonly unreached: number;
  /** Differing, or too large to be compared in the lists, and left to the next resync because the time was up. */
  readonly unfinished: number;
}

/** Where a resync whose time was up has come to, for the next one in the same process. */
export interface ResyncPlace {
  last: WebsiteKey | undefined;
}
