import { CloudEvent } from 'cloudevents';
import type { Versions } from '../../functions/website/children/kinds.ts';
import { EVENT_TYPES, sourceOf, subjectOf, type EventData } from '../../functions/events/website-event.ts';
import { API_VERSION, KIND, keyText } from '../../functions/website/resource.ts';
import type { Change } from './watch/change.ts';

/** What the forwarder delivers: a change of one Website, or a request to resync all of them. */
export type Notice = (Change | { readonly kind: 'resync'; readonly id: string }) & {
  /** When the change was noticed, in RFC 3339. A resend is the same event, so it has the same time. */
  readonly time: string;
};

export type WebsiteEvent = CloudEvent<EventData | undefined>;

/** What every event of a forwarder has in common. */
export interface EventContext {
  /** The cluster's name in `source`. */
  readonly cluster: string;
  /** Attributes that the operator adds with Knative's `K_CE_OVERRIDES`. */
  readonly extensions: Readonly<Record<string, string>>;
}

/**
 * The event for a notice. A notice that is sent again is the same event, with the same id.
 * @param traceparent W3C trace context, if there is one.
 * @param versions of children, if it matters which ones the forwarder last saw.
 */
export function eventOf(
  notice: Notice,
  { cluster, extensions }: EventContext,
  traceparent?: string,
  versions?: EventData['versions'],
): WebsiteEvent {
  const core = { type: EVENT_TYPES[notice.kind], source: sourceOf(cluster), id: notice.id, time: notice.time };
  const added = traceparent === undefined ? extensions : { traceparent, ...extensions };
  if (notice.kind === 'resync') return new CloudEvent({ ...added, ...core });
  const { key, uid, reason, resourceVersion, generation, childKind } = notice;
  const changed = notice.reads === 'all-children' ? [] : (Object.keys(notice.versions ?? {}) as (keyof Versions)[]);
  return new CloudEvent<EventData>({
    partitionkey: keyText(key),
    apiversion: API_VERSION,
    kind: KIND,
    ...key,
    ...added,
    ...core,
    subject: subjectOf(key),
    datacontenttype: 'application/json',
    data: {
      apiVersion: API_VERSION,
      kind: KIND,
      ...key,
      uid,
      resourceVersion,
      generation,
      reason,
      childKind,
      changed: changed.length === 0 ? undefined : changed,
      versions,
    },
  });
}
