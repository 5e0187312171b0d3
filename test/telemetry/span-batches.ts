import { withTimers } from '../timers.ts';

type Variables = Readonly<Record<string, string>>;

const HOURLY = { OTEL_BSP_SCHEDULE_DELAY: '3600000' };
/** The default delay, of 5 s, takes as long as well, so that only the setting makes it short. */
const NO_DEFAULT = withTimers({ 5_000: 3_600_000 });
/** For each setting of the batches, what makes a program send its first span soon. By default, that takes 5 s, or 512 spans. */
const SOON: Readonly<Record<string, Variables>> = {
  OTEL_BSP_SCHEDULE_DELAY: { OTEL_BSP_SCHEDULE_DELAY: '50', ...NO_DEFAULT },
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: { ...HOURLY, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' },
  // A batch cannot be larger than the queue.
  OTEL_BSP_MAX_QUEUE_SIZE: { ...HOURLY, OTEL_BSP_MAX_QUEUE_SIZE: '1' },
};

/**
 * The rows of a table of settings that all programs share.
 * @param sendsSpansSoon starts the program with these variables, and waits for spans.
 */
export const spanBatches = <Run>(sendsSpansSoon: (run: Run, variables: Variables) => Promise<void>) =>
  Object.fromEntries(
    Object.entries(SOON).map(([setting, variables]) => [setting, async (run: Run) => sendsSpansSoon(run, variables)]),
  );
