import type { Logger } from 'pino';
import { endTelemetry } from '../../functions/ending.ts';
import type { Notice } from './event.ts';
import type { Delivery } from './sink.ts';

/** The trace of events: one span from an event's first delivery until the sink has decided. */
export interface Tracing {
  /** The W3C trace context of the event, which goes with it; the same for a resend. */
  traceparentOf(notice: Notice): string | undefined;
  /** The sink answered. A span that is never ended, because something newer came, is never exported. */
  answered(notice: Notice, delivery: Delivery): void;
  /** Sends what is not sent yet. */
  readonly close: () => Promise<void>;
}

const NO_TRACING: Tracing = { traceparentOf: () => undefined, answered() {}, close: async () => {} };

/** Where OpenTelemetry's own variables name a collector (OTLP over HTTP), traces go there; the library is loaded only then. */
export async function tracingFrom(traces: boolean, log: Pick<Logger, 'warn'>): Promise<Tracing> {
  if (!traces) return NO_TRACING;
  const { otlpTracing } = await import('./otlp.ts');
  const tracing = otlpTracing();
  return { ...tracing, close: () => endTelemetry('traces', tracing.close, log) };
}
