import { createHash } from 'node:crypto';
import { CloudEvent, HTTP } from 'cloudevents';
import type { FunctionContext } from '../context.ts';
import { RECONCILED_TYPE, sourceOf, subjectOf, type EventAttributes } from './website-event.ts';
import { encodedAttributes, headerText } from './header-text.ts';
import type { Reconciled } from '../website/reconcile.ts';
import type { WebsiteKey } from '../website/resource.ts';

/** The longest id that a reply repeats, in bytes of its header. Many receivers accept only 16 KiB of headers in total. */
const LONGEST_ID = 1024;

/** The event that a Broker publishes from our answer, in binary mode (opt-in). The functions ignore its type if it comes back. */
export function replyEvent(
  event: EventAttributes,
  key: WebsiteKey,
  { outcome, actions }: Reconciled,
  { config: { clusterName }, now }: Pick<FunctionContext, 'config' | 'now'>,
): { readonly headers: Record<string, string>; readonly body: string } {
  const { headers, body } = HTTP.binary(
    new CloudEvent({
      id: `${repeatable(event.id)}.reconciled`,
      type: RECONCILED_TYPE,
      source: clusterName === undefined ? event.source : sourceOf(clusterName),
      subject: subjectOf(key),
      time: now().toISOString(),
      data: { ...key, outcome, actions },
    }),
  );
  return { headers: encodedAttributes(headers), body: String(body) };
}

/** A digest replaces an id that is too long. A resend with the same id gets the same digest. */
const repeatable = (id: string): string =>
  headerText(id).length <= LONGEST_ID ? id : `sha256:${createHash('sha256').update(id).digest('hex')}`;
