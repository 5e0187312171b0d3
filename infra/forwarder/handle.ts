// Handles a notice: merges it with an older one, sends it to the sink, and requeues it if the sink asks for that.
import type { Logger } from 'pino';
import { answers } from './answers.ts';
import type { Config } from './config.ts';
import { eventOf, type Notice } from './event.ts';
import type { EventData } from '../../functions/events/website-event.ts';
import type { Change } from './watch/change.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Look, Result } from './queue/queue.ts';
import type { Delivery, Sink } from './sink/sink.ts';
import type { Thinned } from '../../functions/telemetry/thinned.ts';
import type { Tracing } from './telemetry/tracing.ts';
import { CARRIER, isOptional } from '../../functions/website/children/kinds.ts';

/** What sending a notice needs. */
export interface Sender {
  readonly config: Config;
  readonly sink: Sink;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Of the lines about failed deliveries. */
  readonly thinned: Thinned;
}

/** A resync takes longer the more Websites differ. The functions end theirs before this timeout (docs/adr/0010-patience.md). */
export const RESYNC_TIMEOUT_MS = 240_000;

/**
 * Merges a notice into a newer one for the same key. The result still reports an optional child that only the older one reported, so
 * that the functions read it.
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

/** The versions of a Website's children that the watches last reported. */
export type VersionsOf = (key: Change['key']) => EventData['versions'];

/** Sends each notice once, and returns what the queue does next. Changes that the sink knew when it last answered are not sent. */
export function handlerOf(
  sender: Sender,
  versionsOf: VersionsOf,
): (notice: Notice, attempt: number, waitedMs: number) => Promise<Result<Notice>> {
  const known = answers();
  return async (notice, attempt, waitedMs) => {
    sender.metrics.queued.observe({ type: notice.kind }, waitedMs / 1000);
    const answer = notice.kind === 'resync' ? undefined : known.covering(notice);
    if (answer !== undefined) {
      sender.metrics.superseded.inc();
      return requeueResult(notice, answer.requeueAfterSeconds);
    }
    const done = sender.metrics.eventLoop.begin();
    const delivery = await send({ ...sender, versionsOf }, notice, attempt, waitedMs).finally(done);
    if (notice.kind !== 'resync' && delivery.kind === 'accepted') known.note(notice.key, delivery);
    return resultOf(notice, delivery);
  };
}

async function send(
  { config, sink, log, metrics, tracing, versionsOf, thinned }: Sender & { readonly versionsOf: VersionsOf },
  notice: Notice,
  attempt: number,
  waitedMs: number,
): Promise<Delivery> {
  const start = performance.now();
  const event = eventOf(notice, config, tracing.traceparentOf(notice), seenVersions(notice, versionsOf));
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
    waitedMs: Math.round(waitedMs),
    ms: Math.round(ms),
  };
  if (delivery.kind === 'accepted') log.info(about, 'Delivered event');
  else if (delivery.kind === 'rejected') log.error(about, 'Sink rejected event');
  // Logs attempts 1, 2, 4, 8 and so on. Most often, the second one settles it.
  else if (Number.isInteger(Math.log2(attempt)))
    thinned.log(log, attempt === 1 ? 'info' : 'warn', delivery.why, about, 'Could not deliver event');
  return delivery;
}

/**
 * What the forwarder last saw of the Deployment, if that saves the functions a read. After a change of the spec, they write the
 * Deployment under this version. After its deletion, they create it.
 */
function seenVersions(notice: Notice, versionsOf: VersionsOf): EventData['versions'] {
  const isNewSpec = notice.kind === 'changed' && notice.reason === 'spec-changed';
  // Only the watch of Deployments shows that one is gone. After a list, a notice has no versions.
  const mayBeGone = notice.kind === 'drifted' && notice.versions?.[CARRIER] !== undefined;
  if (!isNewSpec && !mayBeGone) return undefined;
  const seen = versionsOf(notice.key);
  const isGone = seen?.[CARRIER] === null;
  return isGone === mayBeGone ? seen : undefined;
}

function resultOf(notice: Notice, delivery: Delivery): Result<Notice> {
  if (delivery.kind === 'failed') {
    const { retryAfterSeconds } = delivery;
    return retryAfterSeconds === undefined ? { kind: 'again' } : { kind: 'again', retryAfterSeconds };
  }
  return delivery.kind === 'rejected' ? { kind: 'done' } : requeueResult(notice, delivery.requeueAfterSeconds);
}

function requeueResult(notice: Notice, afterSeconds: number | undefined): Result<Notice> {
  if (notice.kind === 'resync' || afterSeconds === undefined) return { kind: 'done' };
  return { kind: 'done', next: requeued(notice, afterSeconds) };
}

/** A requeue is a new event, with its own id. */
function requeued({ key, uid }: Change, afterSeconds: number): Look<Notice> {
  const afterMs = afterSeconds * 1000;
  const due = Date.now() + afterMs;
  const item = { kind: 'changed', key, uid, id: `${uid}.requeue.${due}`, reason: 'retry', versions: {} } as const;
  return { afterMs, item: { ...item, time: new Date(due).toISOString() } };
}
