import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/errors.ts';
import type { Carrier } from '../children/kinds.ts';
import { selectorOf } from '../children/metadata.ts';
import { secondsSince } from '../status/elapsed.ts';
import { startOfUnready } from '../status/history.ts';
import { TEMPLATE_HASH } from './pod.ts';
import { causesIn, newestTemplateHash } from './pod-causes.ts';
import type { Verdict } from '../reasons.ts';
import type { Website, WebsiteStatus } from '../resource.ts';

/** What a look at the Pods found out. */
export type Finding =
  | { readonly kind: 'looked'; readonly cause: string | undefined }
  /** The API server did not answer. */
  | { readonly kind: 'unanswered' };

/** Most rollouts are done by then, so they cost no look at the Pods. */
const FIRST_LOOK_SECONDS = 4;

/**
 * Looks at the Pods of a rollout that is stalled, or not done after `FIRST_LOOK_SECONDS`. Undefined if no look is due, or if the
 * functions lack the right, which is optional. A failed look never fails the run.
 */
export async function lookAtPods(
  website: Website,
  judged: { readonly verdict: Verdict; readonly status: WebsiteStatus },
  carrier: Carrier | undefined,
  cluster: Cluster,
  now: Date,
): Promise<Finding | undefined> {
  if (carrier === undefined || !isDue(judged, now)) return undefined;
  const hash = newestTemplateHash(carrier);
  const labels = { ...selectorOf(website), ...(hash === undefined ? {} : { [TEMPLATE_HASH]: hash }) };
  try {
    const pods = await cluster.listPods(website.metadata.namespace, labels);
    return { kind: 'looked', cause: causesIn(pods, carrier) };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return error.code === 'Forbidden' ? undefined : { kind: 'unanswered' };
  }
}

function isDue({ verdict: { state, explainedBy }, status }: Parameters<typeof lookAtPods>[1], now: Date): boolean {
  if (explainedBy !== 'Pods') return false;
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  // No event announces a later look at a stalled rollout.
  return (
    state === 'stalled' || secondsSince([ready?.lastTransitionTime, startOfUnready(status)], now) >= FIRST_LOOK_SECONDS
  );
}

/** The verdict with the cause that the Pods name. */
export function explained(judged: Verdict, finding: Finding | undefined, website: Website): Verdict {
  if (finding === undefined || (finding.kind === 'looked' && finding.cause === undefined)) return judged;
  const what = judged.message.replace(/\.$/, '');
  const message = finding.kind === 'looked' ? `${what}. ${finding.cause}` : what;
  const before = messageBefore(website, judged);
  // Keep the previous cause if it is more detailed: `ImagePullBackOff: shop:1.2.9: not found` before `ImagePullBackOff: shop:1.2.9`.
  const isKnown = before?.startsWith(message) === true && /^(\. |: )/.test(before.slice(message.length));
  if (isKnown) return { ...judged, message: before };
  return finding.kind === 'looked' ? { ...judged, message } : judged;
}

/** The message of the condition Ready, if it is about this generation and has this reason. */
const messageBefore = ({ metadata, status }: Website, { reason }: Verdict): string | undefined =>
  status?.conditions?.find(
    (each) => each.type === 'Ready' && each.reason === reason && each.observedGeneration === metadata.generation,
  )?.message;
