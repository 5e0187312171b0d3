import { metrics } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { functionsResource } from './otlp-resource.ts';

export { observeCollections } from './collections.ts';

/**
 * Exports the metrics as OTEL_EXPORTER_OTLP_ENDPOINT and OpenTelemetry's other standard variables say.
 * @returns a function that sends the last metrics and shuts the exporter down.
 */
export function exportMetrics(intervalMs: number): () => Promise<void> {
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(intervalMs, 10_000),
  });
  const provider = new MeterProvider({ resource: functionsResource(), readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  return () => provider.shutdown();
}
