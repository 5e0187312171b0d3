import { ClusterError, levelOf, type ErrorCode } from './cluster/errors.ts';
import { EVENT_MS } from './cluster/patience.ts';
import { batchIn, eventIn, eventOf, MalformedMessageError, type HttpMessage } from './events/cloudevents.ts';
import { handshake } from './callers/handshake.ts';
import { within, type ServedCluster } from './clusters.ts';
import type { FunctionContext } from './context.ts';
import { recordingOf, type RecordingContext } from './history/recording.ts';
import { countWait, measured } from './telemetry/metrics.ts';
import { logStatusProblem } from './telemetry/status-problem.ts';
import { traced, type ResyncCause } from './telemetry/spans.ts';
import { resyncClusters } from './resync-websites.ts';
import { InvalidEventError, requestOf, VERSIONS_HEADER, versionsText } from './events/website-event.ts';
import type { EventAttributes, Request } from './events/website-event.ts';
import { LONGEST_QUOTE, shortened } from './website/shortened.ts';
import { repairedIn } from './website/run/repair.ts';
import { GONE, reconcile, type Context, type Reconciled } from './website/reconcile.ts';
import type { ResyncReport } from './resync/report.ts';
import { type Reply, problem, wrongMethod, isTooLarge, tooLarge, batchReply, done, again } from './reply.ts';

/** Most events in one batch. The forwarder sends 4. */
const LARGEST_BATCH = 100;

/**
 * The function `reconcileWebsite`: reconciles the Websites that the CloudEvents of an HTTP request name.
 *
 * The sender retries, so the status only says whether it should. The API server's own status is never passed on.
 * - 2xx: done. The body is empty, because a Knative Broker would read it as an event.
 * - 400, 413, 415: a retry cannot help.
 * - 503 with Retry-After: retry.
 *
 * The response to a batch, which no Broker sends, has an answer for each event in its body (`batchAnswers`).
 */
export async function reconcileWebsite(message: HttpMessage, context: FunctionContext): Promise<Reply> {
  if (message.method === 'OPTIONS') return handshake(message, context.config);
  if (message.method !== 'POST') return wrongMethod('Send CloudEvents with POST', 'POST, OPTIONS');
  if (isTooLarge(message.body)) return tooLarge();
  return unlessMalformed(async () => {
    const batch = batchIn(message);
    if (batch === undefined) return replyToEvent(eventIn(message), context);
    if (batch.length > LARGEST_BATCH)
      return problem(413, `The batch has ${batch.length} events: send ${LARGEST_BATCH} at most`);
    return batchReply(await together(batch.map((event) => reconcileEvent(event, context))));
  });
}

/** Waits for all replies of a batch, and records how long each waited for the slowest. */
async function together(replies: readonly Promise<Reply>[]): Promise<Reply[]> {
  const ends: number[] = [];
  const timed = replies.map((reply) => reply.finally(() => ends.push(performance.now())));
  const all = await Promise.all(timed);
  const last = performance.now();
  for (const end of ends) countWait('batch', last - end);
  return all;
}

/** The same for one structured CloudEvent as parsed JSON, from a batch or another trigger. */
export const reconcileEvent = (event: unknown, context: FunctionContext): Promise<Reply> =>
  unlessMalformed(async () => replyToEvent(eventOf(event), context));

const replyToEvent = (event: EventAttributes, context: FunctionContext): Promise<Reply> =>
  replyTo(event, requestOf(event), context);

async function unlessMalformed(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MalformedMessageError) return problem(error.status, error.message);
    if (error instanceof InvalidEventError) return problem(400, error.message);
    throw error;
  }
}

/** Handles one event from any trigger. It never throws: the reply contains the result. */
async function replyTo(event: EventAttributes, request: Request, context: FunctionContext): Promise<Reply> {
  const { clusters } = context;
  if (request.kind === 'ignore') return ignored(event, { why: request.why }, context);
  if (request.kind === 'resync' && request.of === 'all clusters') return resyncReply(clusters.all, event, context);
  const served = clusters.of(event.source);
  if (served === undefined) return unknownCluster(event, context);
  if (request.kind === 'resync') return resyncReply([served], event, context);
  if (context.config.namespaces?.includes(request.key.namespace) === false)
    return ignored(event, { ...request.key, why: 'not one of NAMESPACES' }, context);
  return reconcileReply(event, request, within(served, context, EVENT_MS));
}

function ignored(event: EventAttributes, about: object, { log, thinned }: FunctionContext): Reply {
  thinned.log(log, 'info', 'ignored', { eventId: idOf(event), ...about }, 'Ignored event');
  return done('ignored');
}

/** Replies 400, so that the sender does not retry. Once CLUSTERS lists the cluster, a resync finds the change. */
function unknownCluster(event: EventAttributes, { log, thinned }: FunctionContext): Reply {
  const about = { eventId: idOf(event), source: shortened(event.source, LONGEST_QUOTE) };
  thinned.log(log, 'warn', 'unknown cluster', about, 'Refused event of unknown cluster');
  return problem(400, 'CloudEvent source: names no cluster that CLUSTERS lists');
}

/** The id as log lines quote it. Senders choose the id, so it may be as long as a body. */
const idOf = ({ id }: EventAttributes): string => shortened(id, LONGEST_QUOTE);

type ReconcileRequest = Extract<Request, { kind: 'reconcile' }>;

async function reconcileReply(
  event: EventAttributes,
  request: ReconcileRequest,
  context: FunctionContext & Context & RecordingContext & Pick<ServedCluster, 'kept'>,
): Promise<Reply> {
  const { key, reason, scope, resourceVersion, versions = {} } = request;
  const arrived = performance.now();
  const leave = await context.places.take();
  const start = performance.now();
  countWait('place', start - arrived);
  const recording = recordingOf({ key, eventId: event.id, eventReason: reason ?? event.type }, context);
  const about = { ...key, eventId: idOf(event), eventReason: reason };
  try {
    const kept = context.kept?.of(key, versions);
    const run = { ...(scope === undefined ? {} : { scope }), since: resourceVersion, kept };
    const reconciled = await traced({ key, event, reason }, context, async (own) =>
      measured('event', recording.done, async () =>
        reason === 'deleted' ? GONE : reconcile(key, own, run, recording.done),
      ),
    );
    const { outcome, actions } = reconciled;
    const what = { outcome: outcome.kind, ...reasonOf(outcome), actions, ...repairedIn(reconciled) };
    const ms = Math.round(performance.now() - start);
    context.log.info({ ...about, ...what, ms }, 'Reconciled Website');
    logStatusProblem(recording.done, about, context.log);
    await recording.reconciled(reconciled);
    return await replyAfter(reconciled, event, { key, about }, context);
  } catch (error) {
    const reply = failed(error, about, context);
    logStatusProblem(recording.done, about, context.log);
    await recording.failed(error);
    return reply;
  } finally {
    leave();
  }
}

/** The reply to a run that succeeded and is recorded. It never throws. If the event cannot be built, the sender retries. */
async function replyAfter(
  reconciled: Reconciled,
  event: EventAttributes,
  { key, about }: Pick<ReconcileRequest, 'key'> & { readonly about: object },
  context: FunctionContext,
): Promise<Reply> {
  const results = headersOf(reconciled);
  if (!context.config.replyEvents) return done(reconciled.outcome.kind, results);
  try {
    // With it comes the SDK of CloudEvents.
    const { replyEvent } = await import('./events/reply-event.ts');
    const { headers, body } = replyEvent(event, key, reconciled, context);
    return { status: 200, headers: { ...headers, ...results }, body };
  } catch (error) {
    context.log.error({ ...about, err: error }, 'Could not build the reply event');
    return failure(error);
  }
}

const reasonOf = (outcome: Reconciled['outcome']) => ('reason' in outcome ? { reason: outcome.reason } : {});

/** Resyncs all clusters, without an event. */
export const resyncAll = (trigger: 'timer' | 'http', context: FunctionContext): Promise<Reply> =>
  resyncReply(context.clusters.all, trigger, context);

async function resyncReply(
  clusters: readonly ServedCluster[],
  cause: ResyncCause,
  context: FunctionContext,
): Promise<Reply> {
  try {
    const report = await resyncClusters(clusters, cause, context);
    const headers = { 'website-resync': resyncText(report) };
    const { unreached, unfinished } = report;
    // Errors that concern one Website are only counted: a retry of the whole resync would not help.
    if (unreached + unfinished === 0) return done('resynced', headers);
    const reply = again(`${unreached} Websites could not be reached and ${unfinished} were left for the next resync`);
    return { ...reply, headers: { ...reply.headers, ...headers } };
  } catch (error) {
    return failure(error);
  }
}

/** `seen=10, differing=2, repaired=2, ...` */
const resyncText = (report: ResyncReport): string =>
  Object.entries(report)
    .map(([kind, count]) => `${kind}=${count}`)
    .join(', ');

function failed(error: unknown, about: object, { log }: FunctionContext): Reply {
  const what = error instanceof ClusterError ? { code: error.code, error: error.message } : { err: error };
  log[levelOf(error)]({ ...about, ...what }, 'Could not reconcile Website');
  return failure(error);
}

/** Codes of errors without an answer of the API server. */
const UNANSWERED: Readonly<Partial<Record<ErrorCode, string>>> = {
  Unreachable: 'The API server could not be reached',
  Stopped: 'The functions stopped before the API server answered',
  Timeout: 'The API server did not answer in time',
};

const failure = (error: unknown): Reply =>
  error instanceof ClusterError
    ? again(UNANSWERED[error.code] ?? `The API server answered ${error.code}`, error.retryAfterSeconds)
    : problem(500, 'Internal error');

function headersOf({ outcome, actions, versions }: Reconciled): Record<string, string> {
  const requeue =
    'requeueAfterSeconds' in outcome ? { 'website-requeue-after': String(outcome.requeueAfterSeconds) } : {};
  return {
    'website-outcome': outcome.kind,
    'website-actions': actions.join(', '),
    [VERSIONS_HEADER]: versionsText(versions),
    ...requeue,
  };
}
