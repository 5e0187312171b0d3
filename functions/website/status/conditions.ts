import type { Verdict } from '../reasons.ts';
import { OUR_CONDITIONS, type Condition, type Website } from '../resource.ts';
import { shortened } from '../shortened.ts';

const READY: Readonly<Record<Verdict['state'], Condition['status']>> = {
  ready: 'True',
  suspended: 'Unknown',
  progressing: 'False',
  stalled: 'False',
};

/** Some messages quote text of any length, such as a Deployment's condition. */
const LONGEST_MESSAGE = 2048;

/** The conditions follow kstatus: Reconciling and Stalled exist only while they are true. */
export function conditionsOf(website: Website, judged: Verdict, now: Date): Condition[] {
  const { state } = judged;
  const foreign = website.status?.conditions?.filter(({ type }) => !OUR_CONDITIONS.has(type)) ?? [];
  return [
    conditionOf(website, { type: 'Ready', status: READY[state] }, judged, now),
    ...(state === 'progressing' ? [conditionOf(website, RECONCILING, judged, now)] : []),
    ...(state === 'stalled' ? [conditionOf(website, { type: 'Stalled', status: 'True' }, judged, now)] : []),
    ...foreign,
  ];
}

/** The existing conditions, with Reconciling set to this reason. */
export function reconcilingBecause(website: Website, why: Pick<Verdict, 'reason' | 'message'>, now: Date): Condition[] {
  const others = website.status?.conditions?.filter(({ type }) => type !== RECONCILING.type) ?? [];
  return [...others, conditionOf(website, RECONCILING, why, now)];
}

const RECONCILING = { type: 'Reconciling', status: 'True' } as const;

function conditionOf(
  website: Website,
  { type, status }: Pick<Condition, 'type' | 'status'>,
  { reason, message }: Pick<Verdict, 'reason' | 'message'>,
  now: Date,
): Condition {
  return {
    type,
    status,
    ...(website.metadata.generation === undefined ? {} : { observedGeneration: website.metadata.generation }),
    lastTransitionTime: since(website, { type, status, reason }) ?? rfc3339(now),
    reason,
    message: shortened(message, LONGEST_MESSAGE),
  };
}

/** When the condition last changed. Reconciling and Stalled are always True, so for them a new reason is a change. */
const since = (website: Website, now: Pick<Condition, 'type' | 'status' | 'reason'>): string | undefined =>
  website.status?.conditions?.find(
    ({ type, status, reason }) =>
      type === now.type && status === now.status && (type === 'Ready' || reason === now.reason),
  )?.lastTransitionTime;

/** Kubernetes stores times in whole seconds. */
export const rfc3339 = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');
