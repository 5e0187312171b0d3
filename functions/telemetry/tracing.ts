import type { Span, SpanOptions } from '@opentelemetry/api';

/** Starts spans. Absent from a context if no collector is configured. */
export interface Tracing {
  /** @param traceparent the W3C trace context of the parent. A missing or malformed one starts a new trace. */
  start(name: string, options: SpanOptions, traceparent?: string): Span;
  /** Starts spans below this one, unless they name another parent. */
  below(span: Span): Tracing;
}

export interface ClosableTracing extends Tracing {
  /** Sends the last spans. It never throws, and returns within seconds. */
  close(): Promise<void>;
}
