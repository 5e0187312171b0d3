import { metrics } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

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
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'website-functions' }).merge(
      detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }),
    ),
    readers: [reader],
  });
  metrics.setGlobalMeterProvider(provider);
  return () => provider.shutdown();
}
