// The spans of runs and resyncs, as docs/metrics.md describes them. They name objects, but hold no part of a spec.
import { SpanKind, SpanStatusCode, type Attributes, type Span, type SpanOptions } from '@opentelemetry/api';
import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/errors.ts';
import type { EventAttributes } from '../events/website-event.ts';
import type { ResyncReport } from '../resync/report.ts';
import type { Reconciled } from '../website/reconcile.ts';
import type { WebsiteKey } from '../website/resource.ts';
import { LONGEST_QUOTE, shortened } from '../website/shortened.ts';
import { markingStages } from './stages.ts';
import type { Tracing } from './tracing.ts';

/** What caused a run. A run without an event is part of a resync. */
interface Cause {
  readonly key: WebsiteKey;
  readonly event?: EventAttributes;
  readonly reason?: string | undefined;
}

interface RunContext {
  readonly cluster: Cluster;
  readonly tracing?: Tracing;
  /** The cluster, if there are several. */
  readonly label?: string;
}

/** Makes a run inside a span of its own, if there is tracing. @throws what `work` throws. */
export async function traced<Given extends RunContext>(
  { key, event, reason }: Cause,
  context: Given,
  work: (context: Given) => Promise<Reconciled>,
): Promise<Reconciled> {
  const { tracing, label } = context;
  if (tracing === undefined) return work(context);
  const about = {
    ...(label === undefined ? {} : { 'k8s.cluster.name': label }),
    'k8s.namespace.name': key.namespace,
    'website.name': key.name,
    ...(reason === undefined ? {} : { 'website.event_reason': reason }),
  };
  const span =
    event === undefined ? tracing.start('reconcile Website', { attributes: about }) : ofEvent(tracing, event, about);
  return ending(span, async () => {
    const reconciled = await work({ ...context, cluster: markingStages(context.cluster, span) });
    span.setAttributes(resultOf(reconciled));
    return reconciled;
  });
}

/** What requested a resync: an event, or else a timer or an HTTP request. */
export type ResyncCause = EventAttributes | 'timer' | 'http';

/** Makes a resync inside a span, if there is tracing. Its runs have spans below. @throws what `work` throws. */
export async function tracedResync<Given extends { readonly tracing?: Tracing }>(
  cause: ResyncCause,
  context: Given,
  work: (context: Given) => Promise<ResyncReport>,
): Promise<ResyncReport> {
  const { tracing } = context;
  if (tracing === undefined) return work(context);
  const span = typeof cause === 'string' ? ofTrigger(tracing, cause) : ofEvent(tracing, cause, {});
  return ending(span, async () => {
    const report = await work({ ...context, tracing: tracing.below(span) });
    for (const [kind, count] of Object.entries(report)) span.setAttribute(`website.resync.${kind}`, count as number);
    if (report.unreached + report.unfinished > 0) span.setStatus({ code: SpanStatusCode.ERROR, message: 'incomplete' });
    return report;
  });
}

/** Source: OpenTelemetry semantic conventions for messaging, CloudEvents and FaaS. The sender's span is the parent. */
function ofEvent(tracing: Tracing, event: EventAttributes, about: Attributes): Span {
  const attributes = {
    'faas.trigger': 'pubsub',
    'cloudevents.event_id': quoted(event.id),
    'cloudevents.event_source': quoted(event.source),
    'cloudevents.event_type': quoted(event.type),
    ...(event.subject === undefined ? {} : { 'cloudevents.event_subject': quoted(event.subject) }),
    ...about,
  };
  const options: SpanOptions = { kind: SpanKind.CONSUMER, attributes };
  return tracing.start(`process ${quoted(event.type)}`, options, event.traceparent);
}

/** Source: OpenTelemetry semantic conventions for FaaS. */
const ofTrigger = (tracing: Tracing, trigger: 'timer' | 'http'): Span =>
  tracing.start('resyncWebsites', { kind: SpanKind.SERVER, attributes: { 'faas.trigger': trigger } });

/** Senders choose these texts, so they may be as long as a body. */
const quoted = (text: string): string => shortened(text, LONGEST_QUOTE);

function resultOf({ outcome, actions }: Reconciled): Attributes {
  return {
    'website.outcome': outcome.kind,
    ...('reason' in outcome ? { 'website.outcome_reason': outcome.reason } : {}),
    'website.actions': actions.length,
    ...('requeueAfterSeconds' in outcome ? { 'website.requeue_after_seconds': outcome.requeueAfterSeconds } : {}),
  };
}

/** Ends the span with the work. An error shows its code alone, because its message may quote an object. */
async function ending<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof ClusterError ? error.code : 'Internal';
    span.setAttributes({ 'website.outcome': 'failed', 'error.type': code });
    span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    throw error;
  } finally {
    span.end();
  }
}
