import type { ReadyReason } from '../../../functions/website/reasons.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import advice from './advice.json' with { type: 'json' };

/** What docs/status.md says of a reason, without its links. */
export interface Advice {
  readonly means: string;
  /** Empty if there is nothing to do. */
  readonly toDo: string;
}

export interface AllAdvice {
  readonly reasons: Readonly<Record<ReadyReason, Advice>>;
  /** What to do about a cause in the Pods, such as `OOMKilled`. */
  readonly causes: Readonly<Record<string, string>>;
  /** What to do about a status that cannot be written. */
  readonly status: Readonly<Record<StatusObstacle, string>>;
}

/** What may keep the functions from writing the status, as their Event names it. */
export type StatusObstacle = 'Forbidden' | 'InternalError' | 'Rejected' | 'TooLarge' | 'Overridden';

/** Generated from docs/status.md. The compiler misses a reason that the page does not explain. */
const { reasons, causes, status }: AllAdvice = advice;

/** The reasons whose messages end with the causes in the Pods. */
const ABOUT_PODS: ReadonlySet<ReadyReason> = new Set(['Progressing', 'ProgressDeadlineExceeded']);

/**
 * What docs/status.md says of a reason, with the names of this Website in its commands.
 * @param inPods what the Pods say, such as `ImagePullBackOff: shop:1.2.9: not found`. The advice on a known cause is more precise.
 */
export function adviceOn(reason: ReadyReason, key: WebsiteKey, inPods: readonly string[] = []): Advice {
  const { means, toDo } = reasons[reason];
  const named = ABOUT_PODS.has(reason) ? inPods.map((text) => /^\w+/.exec(text)?.[0] ?? '') : [];
  const known = [...new Set(named)].filter((cause) => Object.hasOwn(causes, cause));
  const precise = known.map((cause) => `${cause}: ${causes[cause]}`).join('\n');
  return { means: filled(means, key), toDo: filled(precise === '' ? toDo : precise, key) };
}

/** What docs/status.md says about a status that cannot be written. Undefined for a reason that it does not name. */
export const adviceOnStatus = (why: string): { readonly why: StatusObstacle; readonly toDo: string } | undefined =>
  isObstacle(why) ? { why, toDo: status[why] } : undefined;

const isObstacle = (text: string): text is StatusObstacle => Object.hasOwn(status, text);

const filled = (text: string, { namespace, name }: WebsiteKey): string =>
  text.replaceAll(/\bNAME(SPACE)?\b/g, (_, isNamespace) => (isNamespace === undefined ? name : namespace));
