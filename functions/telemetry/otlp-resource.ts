import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { VERSION } from '../version.ts';

/** What metrics and spans say about this process. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES may change it. */
export const functionsResource = () =>
  resourceFromAttributes({ 'service.name': 'website-functions', 'service.version': VERSION }).merge(
    detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }),
  );
