import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { TraceConfig } from '../settings/trace-settings.ts';

/** Exports spans over OTLP. The exporter itself reads OTEL_EXPORTER_OTLP_ENDPOINT and the other variables of OTLP. */
export const otlpProvider = (resource: Resource, config: TraceConfig): TracerProvider =>
  new TracerProvider({
    resource,
    sampler: samplerOf(config),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: config.delayMs,
        maxQueueSize: config.mostWaiting,
        maxExportBatchSize: config.batchSize,
      }),
    ],
  });

/** Source: OpenTelemetry specification, "Environment Variable Specification", general SDK configuration. */
function samplerOf({ sampler, ratio }: TraceConfig): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}
