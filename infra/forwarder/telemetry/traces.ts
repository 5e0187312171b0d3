import type { Logger } from 'pino';
import { endTelemetry } from '../../../functions/telemetry/ending.ts';
import type { Tracing } from './tracing.ts';

const NO_TRACING: Tracing = { traceparentOf: () => undefined, answered() {}, close: async () => {} };

/** Where OpenTelemetry's own variables name a collector (OTLP over HTTP), traces go there; the library is loaded only then. */
export async function tracingFrom(traces: boolean, log: Pick<Logger, 'warn'>): Promise<Tracing> {
  if (!traces) return NO_TRACING;
  const { otlpTracing } = await import('./otlp.ts');
  const tracing = otlpTracing();
  return { ...tracing, close: () => endTelemetry('traces', tracing.close, log) };
}
