import { defaultTextMapGetter, ROOT_CONTEXT, trace, type Attributes, type Context } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { TraceConfig } from '../settings/trace-settings.ts';
import { otlpProvider } from './otlp-provider.ts';
import { functionsResource } from './otlp-resource.ts';
import type { Tracing } from './tracing.ts';

/**
 * Exports spans. They wait in memory, a limited number of them, and further ones are dropped. So a collector that is slow or down
 * delays no run.
 * @param common attributes of every span.
 */
export function exportSpans(config: TraceConfig, common: Attributes): { tracing: Tracing; end: () => Promise<void> } {
  const provider = otlpProvider(functionsResource(), config);
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
