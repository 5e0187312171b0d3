import type { Versions } from '../../functions/website/children.ts';
import { keyText } from '../../functions/website/resource.ts';
import { isOlder } from './follow.ts';
import type { Change } from './known.ts';

/** What the sink said when it was done with an event; not every sink says what it knew. */
export interface Answer {
  readonly versions?: Versions;
  readonly requeueAfterSeconds?: number;
}

/**
 * The last answer for each Website. What the functions write comes back as changes of children: one that an answer rests on
 * already needs no other look.
 */
export interface Answers {
  note(key: Change['key'], answer: Answer): void;
  /** The answer that knew of the change; nothing when it is news. */
  covering(change: Change): Answer | undefined;
}

/** What is written comes back within a second or two; one that is forgotten costs a look that was not needed. */
const KEPT = 1024;

export function answers(): Answers {
  const kept = new Map<string, Answer>();
  return {
    note(key, answer) {
      if (answer.versions === undefined) return;
      const text = keyText(key);
      kept.delete(text);
      kept.set(text, answer);
      const [oldest] = kept.size > KEPT ? kept.keys() : [];
      if (oldest !== undefined) kept.delete(oldest);
    },
    covering({ key, versions = {} }) {
      const answer = kept.get(keyText(key));
      const changed = Object.entries(versions) as [keyof Versions, string][];
      if (answer === undefined || changed.length === 0) return undefined;
      return changed.every(([kind, version]) => isUpTo(version, answer.versions?.[kind])) ? answer : undefined;
    },
  };
}

const isUpTo = (version: string, known: string | undefined): boolean =>
  known !== undefined && (version === known || isOlder(version, known));
