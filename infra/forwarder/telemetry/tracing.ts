import type { Notice } from '../event.ts';
import type { Delivery } from '../sink/sink.ts';

/** The trace of events: one span from an event's first delivery until the sink has decided. */
export interface Tracing {
  /** The W3C trace context of the event, which goes with it; the same for a resend. */
  traceparentOf(notice: Notice): string | undefined;
  /** The sink answered. A span that is never ended, because something newer came, is never exported. */
  answered(notice: Notice, delivery: Delivery): void;
  /** Sends what is not sent yet. */
  readonly close: () => Promise<void>;
}
