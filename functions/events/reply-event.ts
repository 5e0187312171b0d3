import { createHash } from 'node:crypto';
import { CloudEvent, HTTP } from 'cloudevents';
import type { FunctionContext } from '../context.ts';
import { RECONCILED_TYPE, sourceOf, subjectOf, type EventAttributes } from './website-event.ts';
import { encodedAttributes, headerText } from './header-text.ts';
import type { Reconciled } from '../website/reconcile.ts';
import type { WebsiteKey } from '../website/resource.ts';

/** Longest id that a reply repeats, in bytes of its header: many receivers read 16 KiB of headers in all. */
const LONGEST_ID = 1024;

/** The opt-in answer that a Broker publishes, in binary mode: an event of a type that we ourselves ignore. */
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

/** The same for the same id: a digest stands for one that is too long. */
const repeatable = (id: string): string =>
  headerText(id).length <= LONGEST_ID ? id : `sha256:${createHash('sha256').update(id).digest('hex')}`;
