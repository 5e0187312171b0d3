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
 * Sends what `metrics.ts` counts where OTEL_EXPORTER_OTLP_ENDPOINT and the other standard variables say.
 * @returns what sends the rest, and ends it.
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
