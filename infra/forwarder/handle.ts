// What becomes of a notice: it joins another, goes to the sink, and may come back.
import type { Logger } from 'pino';
import { answers } from './answers.ts';
import type { Config } from './config.ts';
import { eventOf, type Notice } from './event.ts';
import type { Change } from './watch/known.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Result } from './queue/queue.ts';
import type { Delivery, Sink } from './sink/sink.ts';
import type { Tracing } from './telemetry/tracing.ts';
import { isOptional } from '../../functions/website/children/kinds.ts';

/** What sending takes. */
export interface Sender {
  readonly config: Config;
  readonly sink: Sink;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** A resync takes as long as there are Websites that differ; the functions end theirs before this (docs/adr/0010-patience.md). */
export const RESYNC_TIMEOUT_MS = 240_000;

/**
 * The newer of two notices, which tells of what the older did as well: an Ingress that changed has to be looked at, whatever
 * came after.
 */
export function merged(older: Notice, newer: Notice): Notice {
  if (older.kind === 'resync' || newer.kind === 'resync') return newer;
  const { versions, ...rest } = newer;
  return {
    ...rest,
    ...(older.childKind !== undefined && isOptional(older.childKind) ? { childKind: older.childKind } : {}),
    ...(older.reads === undefined ? {} : { reads: older.reads }),
    ...(older.versions === undefined || versions === undefined ? {} : { versions: { ...older.versions, ...versions } }),
  };
}

/** Sends notices, each once, and says what becomes of them. What the sink knew when it last answered is not sent. */
export function handlerOf(sender: Sender): (notice: Notice, attempt: number) => Promise<Result<Notice>> {
  const known = answers();
  return async (notice, attempt) => {
    const answer = notice.kind === 'resync' ? undefined : known.covering(notice);
    if (answer !== undefined) {
      sender.metrics.superseded.inc();
      return lookAgain(notice, answer.requeueAfterSeconds);
    }
    const delivery = await send(sender, notice, attempt);
    if (notice.kind !== 'resync' && delivery.kind === 'accepted') known.note(notice.key, delivery);
    return resultOf(notice, delivery);
  };
}

async function send(
  { config, sink, log, metrics, tracing }: Sender,
  notice: Notice,
  attempt: number,
): Promise<Delivery> {
  const start = performance.now();
  const event = eventOf(notice, config, tracing.traceparentOf(notice));
  const timeoutMs = notice.kind === 'resync' ? RESYNC_TIMEOUT_MS : config.timeoutMs;
  const delivery = await sink.send(event, timeoutMs, attempt);
  tracing.answered(notice, delivery);
  const { kind: result, versions: _, ...answer } = { versions: undefined, ...delivery };
  const ms = performance.now() - start;
  metrics.events.inc({ type: notice.kind, result });
  metrics.duration.observe({ result }, ms / 1000);
  if (attempt > 1) metrics.retries.inc();
  const about = {
    ...(notice.kind === 'resync' ? {} : { ...notice.key, reason: notice.reason }),
    type: notice.kind,
    eventId: notice.id,
    attempt,
    ...answer,
    ms: Math.round(ms),
  };
  if (result === 'accepted') log.info(about, 'Delivered event');
  else if (result === 'rejected') log.error(about, 'Sink rejected event');
  // Once when it begins, and then ever more rarely.
  else if (Number.isInteger(Math.log2(attempt))) log.warn(about, 'Could not deliver event');
  return delivery;
}

function resultOf(notice: Notice, delivery: Delivery): Result<Notice> {
  if (delivery.kind === 'failed') {
    const { retryAfterSeconds } = delivery;
    return retryAfterSeconds === undefined ? { kind: 'again' } : { kind: 'again', retryAfterSeconds };
  }
  return delivery.kind === 'rejected' ? { kind: 'done' } : lookAgain(notice, delivery.requeueAfterSeconds);
}

function lookAgain(notice: Notice, afterSeconds: number | undefined): Result<Notice> {
  if (notice.kind === 'resync' || afterSeconds === undefined) return { kind: 'done' };
  return { kind: 'done', next: requeued(notice, afterSeconds) };
}

/** Another look is another event, with an id of its own. */
function requeued({ key, uid }: Change, afterSeconds: number) {
  const afterMs = afterSeconds * 1000;
  const due = Date.now() + afterMs;
  const item = { kind: 'changed', key, uid, id: `${uid}.requeue.${due}`, reason: 'retry', versions: {} } as const;
  return { afterMs, item: { ...item, time: new Date(due).toISOString() } };
}
