import { EXIT, type ExitCode } from '../errors.ts';
import type { Refusal } from './refusal.ts';

/** As much of the plan of one Website as a summary counts. */
interface Counted {
  readonly changes: readonly { readonly verb: string }[];
  readonly refusedLastTime?: Refusal | undefined;
}

/** The plans by what their writes mean. */
export interface Sorted<Plan> {
  /** Children would change. */
  readonly changing: readonly Plan[];
  readonly onlyStatus: readonly Plan[];
  /** The API server refused the same writes last time. */
  readonly triedAgain: readonly Plan[];
}

export function sorted<Plan extends Counted>(plans: readonly Plan[]): Sorted<Plan> {
  const triedAgain = plans.filter(({ refusedLastTime }) => refusedLastTime !== undefined);
  const others = plans.filter(({ changes, refusedLastTime }) => refusedLastTime === undefined && changes.length > 0);
  const isStatus = ({ changes }: Plan) => changes.every(({ verb }) => verb === 'update status');
  return { changing: others.filter((plan) => !isStatus(plan)), onlyStatus: others.filter(isStatus), triedAgain };
}

/** A refused write that is tried again does not count as a change, because it may be refused again. */
export const codeOf = ({ changing, onlyStatus }: Sorted<unknown>): ExitCode =>
  changing.length > 0 || onlyStatus.length > 0 ? EXIT.no : EXIT.ok;

interface Numbers {
  readonly changing: number;
  readonly onlyStatus: number;
  readonly triedAgain: number;
  /** Websites whose Pods would be replaced. */
  readonly restarting: number;
  /** All Websites that were planned. */
  readonly seen: number;
  /** Such as `1 to create, 0 to update`. */
  readonly details?: string;
}

export function summaryText({ changing, onlyStatus, triedAgain, restarting, seen, details }: Numbers): string {
  const websites = seen === 1 ? 'Website' : 'Websites';
  return [
    `${changing} of ${seen} ${websites} would change${details === undefined ? '' : `: ${details}`}.`,
    `Pods would be replaced in ${restarting}.`,
    ...(onlyStatus === 0 ? [] : [`Only the status would change in ${onlyStatus}.`]),
    ...(triedAgain === 0
      ? []
      : [
          `${triedAgain} would be tried again and ${triedAgain === 1 ? 'was' : 'were'} refused last time, which counts as no change.`,
        ]),
  ].join(' ');
}
