import { STATUS_NOT_WRITTEN } from '../../../functions/website/reasons.ts';
import { keyText, type Condition, type Website, type WebsiteStatus } from '../../../functions/website/resource.ts';
import { shortened } from '../../../functions/website/shortened.ts';
import { failureOf, isStalled, readyOf, stateOf } from '../../cli/list.ts';
import type { Look, WebsiteRow } from './shown.ts';

/** Thousands of rows are sent at once. The view of one Website has the whole message. */
const LONGEST_MESSAGE = 400;
/** An image reference may be far too long for a list. */
const LONGEST_IMAGE = 256;

/** @param isUnwritten whether the functions have seen this version, but could not write the status. */
export function rowOf(website: Website, isUnwritten = false): WebsiteRow {
  const { metadata, spec } = website;
  const { image, replicas } = (spec ?? {}) as { readonly image?: unknown; readonly replicas?: number };
  const { availableReplicas, replicasSet, url }: Partial<WebsiteStatus> = website.status ?? {};
  const { message = '', lastTransitionTime }: Partial<Condition> = failureOf(website) ?? readyOf(website) ?? {};
  return {
    key: keyText(metadata),
    look: lookOf(website, isUnwritten),
    reason: stateOf(website, isUnwritten).reason,
    message: shortened(message, LONGEST_MESSAGE),
    image: typeof image === 'string' ? shortened(image, LONGEST_IMAGE) : '',
    available: availableReplicas,
    desired: replicasSet ?? replicas,
    url,
    createdAt: metadata.creationTimestamp,
    since: lastTransitionTime,
  };
}

function lookOf(website: Website, isUnwritten: boolean): Look {
  if (website.metadata.deletionTimestamp !== undefined) return 'deleting';
  const { ready, reason } = stateOf(website, isUnwritten);
  // A suspended site may be ready, but it does not follow its spec.
  if (reason === 'Suspended') return 'suspended';
  if (ready === 'True') return 'ready';
  if (reason === STATUS_NOT_WRITTEN) return 'problem';
  if (ready === 'Unknown') return 'unseen';
  return isStalled(website) ? 'problem' : 'progressing';
}
