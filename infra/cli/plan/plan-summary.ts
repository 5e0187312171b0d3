import { EXIT, type ExitCode } from '../errors.ts';
import type { Refusal } from './refusal.ts';

/** As much of the plan of one Website as a summary counts. */
interface Counted {
  readonly changes: readonly { readonly verb: string; readonly isRefused?: true | undefined }[];
  readonly refusedLastTime?: Refusal | undefined;
  readonly unchecked?: readonly unknown[] | undefined;
  readonly statusUnchecked?: string | undefined;
}

/** The plans by what their writes mean. */
export interface Sorted<Plan> {
  /** Children would change. */
  readonly changing: readonly Plan[];
  readonly onlyStatus: readonly Plan[];
  /** Only the status would change, and the API server refuses that. */
  readonly statusRefused: readonly Plan[];
  /** The last reconcile could not make the same writes, because the API server refused one of them. */
  readonly triedAgain: readonly Plan[];
}

export function sorted<Plan extends Counted>(plans: readonly Plan[]): Sorted<Plan> {
  const triedAgain = plans.filter(({ refusedLastTime }) => refusedLastTime !== undefined);
  const others = plans.filter(({ changes, refusedLastTime }) => refusedLastTime === undefined && changes.length > 0);
  const isStatus = ({ changes }: Plan) => changes.every(({ verb }) => verb === 'update status');
  const [changing, statuses] = [others.filter((plan) => !isStatus(plan)), others.filter(isStatus)];
  return {
    changing,
    onlyStatus: statuses.filter((plan) => !isRefused(plan)),
    statusRefused: statuses.filter(isRefused),
    triedAgain,
  };
}

const isRefused = ({ changes }: Counted): boolean => changes.some((change) => change.isRefused);

/** A refused write that is tried again does not count as a change, because it may be refused again. */
export const codeOf = ({ changing, onlyStatus, statusRefused }: Sorted<unknown>): ExitCode =>
  [...changing, ...onlyStatus, ...statusRefused].length > 0 ? EXIT.no : EXIT.ok;

interface Numbers {
  readonly changing: number;
  readonly onlyStatus: number;
  /** Websites whose status the API server refuses. */
  readonly refused: number;
  /** Websites with writes that the API server did not check, although it was asked to. */
  readonly unchecked: number;
  /** Websites whose status it did not check. */
  readonly statusUnchecked: number;
  readonly triedAgain: number;
  /** Websites whose Pods would be replaced. */
  readonly restarting: number;
  /** All Websites that were planned. */
  readonly seen: number;
  /** Such as `1 to create, 0 to update`. */
  readonly details?: string;
}

/** The numbers that follow from how the plans are sorted. */
export function numbersOf<Plan extends Counted>(
  parts: Sorted<Plan>,
): Pick<Numbers, 'changing' | 'onlyStatus' | 'refused' | 'unchecked' | 'statusUnchecked' | 'triedAgain'> {
  const { changing, onlyStatus, statusRefused, triedAgain } = parts;
  return {
    changing: changing.length,
    onlyStatus: onlyStatus.length,
    refused: [...changing, ...statusRefused].filter(isRefused).length,
    unchecked: [...changing, ...triedAgain].filter(({ unchecked }) => unchecked !== undefined).length,
    statusUnchecked: [...changing, ...onlyStatus, ...triedAgain].filter(
      ({ statusUnchecked }) => statusUnchecked !== undefined,
    ).length,
    triedAgain: triedAgain.length,
  };
}

export function summaryText(numbers: Numbers): string {
  const { changing, onlyStatus, refused, unchecked, statusUnchecked, triedAgain, restarting, seen, details } = numbers;
  const websites = seen === 1 ? 'Website' : 'Websites';
  return [
    `${changing} of ${seen} ${websites} would change${details === undefined ? '' : `: ${details}`}.`,
    `Pods would be replaced in ${restarting}.`,
    ...(onlyStatus === 0 ? [] : [`Only the status would change in ${onlyStatus}.`]),
    ...(refused === 0 ? [] : [`The API server refuses the status of ${refused}.`]),
    ...(unchecked === 0 ? [] : [`Some writes of ${unchecked} were not checked.`]),
    ...(statusUnchecked === 0 ? [] : [`The status of ${statusUnchecked} was not checked.`]),
    ...(triedAgain === 0
      ? []
      : [
          `${triedAgain} would be tried again and ${triedAgain === 1 ? 'was' : 'were'} refused last time, which counts as no change.`,
        ]),
  ].join(' ');
}
