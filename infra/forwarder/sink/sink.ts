import { messageOf } from '../../../functions/cluster/causes.ts';
import type { Versions } from '../../../functions/website/children/kinds.ts';
import type { WebsiteEvent } from '../event.ts';

/** The result of sending an event once. */
export type Delivery =
  | {
      readonly kind: 'accepted';
      /** Absent if the sink has no HTTP status. */
      readonly status?: number;
      readonly outcome?: string;
      readonly actions?: string;
      /** The versions that the outcome is based on, if the sink reports them. */
      readonly versions?: Versions;
      readonly requeueAfterSeconds?: number;
    }
  /** The sink will never accept this event, so it is not retried. */
  | { readonly kind: 'rejected'; readonly status: number; readonly why: string }
  | { readonly kind: 'failed'; readonly status?: number; readonly why: string; readonly retryAfterSeconds?: number };

/** The destination of events. */
export interface Sink {
  /** Sends an event once. It never throws. `attempt` counts from 1. */
  send(event: WebsiteEvent, timeoutMs: number, attempt?: number): Promise<Delivery>;
  close(): Promise<void>;
}

export const failureOf = (error: unknown): Delivery => ({
  kind: 'failed',
  why: messageOf(error),
});
