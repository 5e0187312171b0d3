import type { Logger } from 'pino';
import { endTelemetry } from '../../../functions/telemetry/ending.ts';
import type { Config } from '../config.ts';
import type { Tracing } from './tracing.ts';

const NO_TRACING: Tracing = { traceparentOf: () => undefined, answered() {}, close: async () => {} };

/** Traces over OTLP if they are enabled. Only then does it load the OpenTelemetry library, which is large. */
export async function tracingFrom(traces: Config['traces'], log: Pick<Logger, 'warn'>): Promise<Tracing> {
  if (traces === undefined) return NO_TRACING;
  const { otlpTracing } = await import('./otlp.ts');
  const tracing = otlpTracing(traces);
  return { ...tracing, close: () => endTelemetry('traces', tracing.close, log) };
}
