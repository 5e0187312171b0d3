import { numberFrom, oneOf, wholeNumber } from './setting-values.ts';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** An hour. Spans that wait longer are of no use. */
const LONGEST_DELAY_MS = 3_600_000;
const MOST_SPANS = 1_000_000;

/**
 * Which spans are sent, and in which batches: OpenTelemetry's standard variables with their standard defaults. Its SDK does not read them.
 */
export const traceSettings = {
  OTEL_TRACES_SAMPLER: oneOf(SAMPLERS).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: numberFrom(0, 1).default(1),
  OTEL_BSP_SCHEDULE_DELAY: wholeNumber(1, LONGEST_DELAY_MS).default(5_000),
  OTEL_BSP_MAX_QUEUE_SIZE: wholeNumber(1, MOST_SPANS).default(2_048),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: wholeNumber(1, MOST_SPANS).default(512),
};

/** How spans are sampled and sent. */
export interface TraceConfig {
  readonly sampler: (typeof SAMPLERS)[number];
  /** The part of all traces that the samplers with a ratio keep, from 0 to 1. */
  readonly ratio: number;
  /** The longest time that a span waits. */
  readonly delayMs: number;
  /** Spans that wait at most. Further ones are dropped. */
  readonly mostWaiting: number;
  /** Spans in one request at most. So many are sent at once, before the delay ends. */
  readonly batchSize: number;
}

type Given = { readonly [Name in keyof typeof traceSettings]: ReturnType<(typeof traceSettings)[Name]['parse']> };

export const traceConfigFrom = (given: Given): TraceConfig => ({
  sampler: given.OTEL_TRACES_SAMPLER,
  ratio: given.OTEL_TRACES_SAMPLER_ARG,
  delayMs: given.OTEL_BSP_SCHEDULE_DELAY,
  mostWaiting: given.OTEL_BSP_MAX_QUEUE_SIZE,
  batchSize: Math.min(given.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, given.OTEL_BSP_MAX_QUEUE_SIZE),
});
