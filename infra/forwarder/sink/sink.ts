import type { Versions } from '../../../functions/website/children/kinds.ts';
import type { WebsiteEvent } from '../event.ts';

/** What the sink made of an event. */
export type Delivery =
  | {
      readonly kind: 'accepted';
      readonly status: number;
      readonly outcome?: string;
      readonly actions?: string;
      /** What the outcome rests on, where the sink says so. */
      readonly versions?: Versions;
      readonly requeueAfterSeconds?: number;
    }
  /** The sink will never take it: sending it again would change nothing. */
  | { readonly kind: 'rejected'; readonly status: number; readonly why: string }
  | { readonly kind: 'failed'; readonly status?: number; readonly why: string; readonly retryAfterSeconds?: number };

/** Where events go. */
export interface Sink {
  /** Sends an event once, for the `attempt`th time. It never throws. */
  send(event: WebsiteEvent, timeoutMs: number, attempt?: number): Promise<Delivery>;
  close(): Promise<void>;
}

export const failureOf = (error: unknown): Delivery => ({
  kind: 'failed',
  why: error instanceof Error ? error.message || error.name : String(error),
});
