// What the status says of children that the API server refuses, or that do not stay as written.
import { KINDS, kindOf, type DesiredChildren } from '../children/kinds.ts';
import type { Verdict } from '../reasons.ts';
import { shortened } from '../shortened.ts';

/** A write that the API server refused permanently. */
export interface Refusal {
  readonly reason: 'Rejected' | 'QuotaExceeded' | 'TooLarge' | 'MissingApi';
  /** Names the child. */
  readonly message: string;
}

/** Names every refused child, in the order of the plan. The reason is that of the first one. Undefined if there is no refusal. */
export function refusedVerdict(refusals: readonly Refusal[], wanted: DesiredChildren): Verdict | undefined {
  const [first] = refusals;
  if (first === undefined) return undefined;
  const messages = [...new Set(refusals.map(({ message }) => message))];
  const hints = messages.map((message) => hintOn(message, wanted));
  return { state: 'stalled', reason: first.reason, message: hinted(sentences(messages), hints.find(isHint)) };
}

function hintOn(message: string, wanted: DesiredChildren): string | undefined {
  const hints = KINDS.map(({ kind }) => {
    const want = wanted[kind];
    return want === undefined ? undefined : kindOf(kind).hint?.(want.spec, message);
  });
  return hints.find(isHint);
}

const isHint = (hint: string | undefined): hint is string => hint !== undefined;

export const hinted = (message: string, hint: string | undefined): string =>
  hint === undefined ? message : `${message}. ${hint}`;

/** The longest texts about all children together, in bytes. A condition then has room for a hint. */
const LONGEST_TEXTS = 1_800;

/** Each text has an equal share of the room, so that a long one does not hide the others. */
export const sentences = (texts: readonly string[]): string =>
  texts.map((text) => shortened(text, Math.floor(LONGEST_TEXTS / texts.length))).join('. ');
