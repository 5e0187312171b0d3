import { defaultTextMapGetter, ROOT_CONTEXT, trace, type Attributes, type Context } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { functionsResource } from './otlp-resource.ts';
import type { Tracing } from './tracing.ts';

/**
 * Exports spans as OTEL_EXPORTER_OTLP_ENDPOINT and OpenTelemetry's other standard variables say. Spans wait in memory, 2,048 at
 * most, and further ones are dropped. So a collector that is slow or down delays no run.
 * @param common attributes of every span.
 */
export function exportSpans(common: Attributes): { tracing: Tracing; end: () => Promise<void> } {
  const provider = new TracerProvider({
    resource: functionsResource(),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer('website-functions');
  const propagator = new W3CTraceContextPropagator();
  const parentIn = (traceparent: string): Context =>
    propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
  const under = (parent: Context): Tracing => ({
    start: (name, { attributes, ...options }, traceparent) =>
      tracer.startSpan(
        name,
        { ...options, attributes: { ...common, ...attributes } },
        traceparent === undefined ? parent : parentIn(traceparent),
      ),
    below: (span) => under(trace.setSpan(ROOT_CONTEXT, span)),
  });
  return { tracing: under(ROOT_CONTEXT), end: () => provider.shutdown() };
}
