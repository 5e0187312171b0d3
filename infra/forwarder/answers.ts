import type { Versions } from '../../functions/website/children/kinds.ts';
import { keyText } from '../../functions/website/resource.ts';
import { isNumber, isOlder } from '../../functions/cluster/resource-version.ts';
import type { Change } from './watch/change.ts';

/** The sink's response to an event that it accepted. Not every sink returns versions. */
export interface Answer {
  readonly versions?: Versions;
  readonly requeueAfterSeconds?: number;
}

/**
 * The last answer for each Website. Writes of the functions come back as changes of children. If an answer already covers such a
 * change, the change needs no event.
 */
export interface Answers {
  note(key: Change['key'], answer: Answer): void;
  /** The answer that rests on this change or a later one. Undefined if the change still needs an event. */
  covering(change: Change): Answer | undefined;
}

/** Most answers kept. Writes come back within a second or two, and a forgotten answer only costs a needless event. */
const KEPT = 1024;
/** How long an answer covers changes. This limits how long a wrong answer can keep changes from the sink. */
const KEPT_MS = 30_000;
/**
 * How far a version in an answer may be ahead of all versions that the forwarder has seen. Every write in the cluster counts, so
 * after a quiet hour an answer may be some 100,000 ahead. A version that is further ahead is not from this cluster.
 */
const FURTHEST_AHEAD = 1_000_000n;

/** @param now in milliseconds. */
export function answers(now: () => number = () => performance.now()): Answers {
  const kept = new Map<string, { readonly answer: Answer; readonly until: number }>();
  let newest = 0n;
  const see = ({ resourceVersion = '', versions = {} }: Change) => {
    const seen = [resourceVersion, ...Object.values(versions)].filter(isNumber).map(BigInt);
    newest = seen.reduce((most, each) => (each > most ? each : most), newest);
  };
  const isPlausible = (version: string) => newest === 0n || BigInt(version) <= newest + FURTHEST_AHEAD;
  return {
    note(key, answer) {
      const versions = Object.values(answer.versions ?? {});
      if (versions.length === 0 || !versions.every(isPlausible)) return;
      const text = keyText(key);
      kept.delete(text);
      kept.set(text, { answer, until: now() + KEPT_MS });
      const [oldest] = kept.size > KEPT ? kept.keys() : [];
      if (oldest !== undefined) kept.delete(oldest);
    },
    covering(change) {
      see(change);
      const { answer, until = 0 } = kept.get(keyText(change.key)) ?? {};
      const changed = Object.entries(change.versions ?? {}) as [keyof Versions, string][];
      if (answer === undefined || now() > until || changed.length === 0) return undefined;
      return changed.every(([kind, version]) => isUpTo(version, answer.versions?.[kind])) ? answer : undefined;
    },
  };
}

const isUpTo = (version: string, known: string | undefined): boolean =>
  known !== undefined && (version === known || isOlder(version, known));
