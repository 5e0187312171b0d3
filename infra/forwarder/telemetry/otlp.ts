import { SpanKind, SpanStatusCode, TraceFlags, type Span } from '@opentelemetry/api';
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { EVENT_TYPES, subjectOf } from '../../../functions/events/website-event.ts';
import type { TraceConfig } from '../../../functions/settings/trace-settings.ts';
import { otlpProvider } from '../../../functions/telemetry/otlp-provider.ts';
import { VERSION } from '../../../functions/version.ts';
import type { Notice } from '../event.ts';
import type { Tracing } from './tracing.ts';

/** Exports spans over OTLP. */
export function otlpTracing(config: TraceConfig): Tracing {
  const own = resourceFromAttributes({ 'service.name': 'website-forwarder', 'service.version': VERSION });
  const fromVariables = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] });
  const provider = otlpProvider(own.merge(fromVariables), config);
  const tracer = provider.getTracer('website-forwarder');
  const spans = new WeakMap<Notice, Span>();
  const spanOf = (notice: Notice): Span => {
    const known = spans.get(notice);
    if (known !== undefined) return known;
    const span = tracer.startSpan(`send ${EVENT_TYPES[notice.kind]}`, {
      kind: SpanKind.PRODUCER,
      attributes: attributesOf(notice),
    });
    spans.set(notice, span);
    return span;
  };
  return {
    traceparentOf(notice) {
      const { traceId, spanId, traceFlags } = spanOf(notice).spanContext();
      return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'}`;
    },
    answered(notice, { kind, ...answer }) {
      const span = spanOf(notice);
      if (kind === 'failed') {
        span.addEvent('delivery failed', { why: 'why' in answer ? answer.why : '' });
        return;
      }
      if (kind === 'rejected') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
    close: () => provider.shutdown(),
  };
}

/** Source: OpenTelemetry semantic conventions for CloudEvents. */
const attributesOf = (notice: Notice): Record<string, string> => ({
  'cloudevents.event_id': notice.id,
  'cloudevents.event_type': EVENT_TYPES[notice.kind],
  ...(notice.kind === 'resync' ? {} : { 'cloudevents.event_subject': subjectOf(notice.key) }),
});
