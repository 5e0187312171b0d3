import type { Notice } from '../event.ts';
import type { Delivery } from '../sink/sink.ts';

/** Traces events: one span per event, from its first delivery until the sink accepts or rejects it. */
export interface Tracing {
  /** The W3C trace context to send with the event. A resend has the same one. */
  traceparentOf(notice: Notice): string | undefined;
  /** Records a delivery. If a newer event replaces this one before the sink decides, its span is never exported. */
  answered(notice: Notice, delivery: Delivery): void;
  /** Exports the remaining spans. */
  readonly close: () => Promise<void>;
}
