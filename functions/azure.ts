// Host: Azure Functions, programming model v4. It only converts.
// Nothing here may fail or wait while the app loads: the host would report an app without functions.
// Function names have no hyphen, because on Linux the app setting AzureWebJobs.NAME.Disabled cannot contain one.
import { app, type HttpRequest, type HttpResponseInit, type InvocationContext, type Timer } from '@azure/functions';
import { signedQuery, type Call } from './callers/callers.ts';
import type { HttpMessage } from './events/cloudevents.ts';
import { handshake } from './callers/handshake.ts';
import { configFrom } from './config.ts';
import type { Connected } from './context.ts';
import { surviveRejections } from './telemetry/last-resort.ts';
import { printable } from './telemetry/printable.ts';
import { listHistory } from './list-history.ts';
import { reconcileEvent, reconcileWebsite } from './reconcile-website.ts';
import { resyncClusters } from './resync-websites.ts';
import type { Log } from './telemetry/log.ts';
import { again, isTooLarge, problem, type Reply } from './reply.ts';
import { endsWithin, Running } from './stopping.ts';

app.http('reconcileWebsite', {
  route: 'websites',
  methods: ['POST', 'OPTIONS'],
  authLevel: 'function',
  handler: async (request: HttpRequest, invocation: InvocationContext): Promise<HttpResponseInit> => {
    const { status, headers, body } = await answerTo(await messageOf(request), logOf(invocation));
    return { status, headers, ...(body === undefined ? {} : { body }) };
  },
});

app.http('listHistory', {
  route: 'history',
  methods: ['GET'],
  authLevel: 'function',
  handler: async (request: HttpRequest, invocation: InvocationContext): Promise<HttpResponseInit> => {
    const { status, headers, body } = await historyFor(request, logOf(invocation));
    return { status, headers, ...(body === undefined ? {} : { body }) };
  },
});

// Costs nothing without a subscription. Event Grid calls the host directly, with its own key.
app.eventGrid('reconcileWebsiteFromEventGrid', { handler: takeEvent });

// Registered only if EVENTS_QUEUE is set: the host reports a function without a queue name as broken.
if ((process.env['EVENTS_QUEUE'] ?? '') !== '') {
  app.storageQueue('reconcileWebsiteFromQueue', {
    queueName: '%EVENTS_QUEUE%',
    connection: 'AzureWebJobsStorage',
    handler: takeEvent,
  });
}

app.timer('resyncWebsites', {
  schedule: '%RESYNC_SCHEDULE%',
  runOnStartup: false,
  handler: async (timer: Timer, invocation: InvocationContext): Promise<void> => {
    // A late run still resyncs, because changes may have been lost in the gap.
    if (timer.isPastDue) invocation.warn(line({}, 'Resync is late'));
    const context = await contextFor(invocation);
    const { unreached, unfinished } = await begun.run(() => resyncClusters(context.clusters.all, 'timer', context));
    // A timer has no reply. Only an error tells the host and its metrics that the cluster could not be reached.
    if (unreached > 0)
      throw new Error(`${unreached} Websites could not be reached, ${unfinished} were left for the next resync`);
  },
});

surviveRejections(logOf(console));

// Connects while the host is still starting. The host does not wait for this.
app.hook.appStart(() => {
  connected().catch((error: unknown) => console.error(line({ err: error }, 'Could not connect to the cluster')));
});

/** The work of invocations that has begun. */
const begun = new Running();
/** How long it may take after the host has asked to stop. The host waits for 5 s in all, and the history may need 3 s. */
const DRAIN_MS = 1_500;

app.hook.appTerminate(async () => {
  const open = await connection?.catch(() => undefined);
  open?.stop();
  await endsWithin(DRAIN_MS, begun.ended());
  await open?.close();
});

/** `Retry-After` while the functions cannot connect to the cluster. */
const CONNECT_RETRY_SECONDS = 5;

/** The host has already checked the function key. This checks the tokens or signatures that are configured as well. */
async function answerTo(message: HttpMessage, log: Log): Promise<Reply> {
  // The handshake says only whether an origin may send. That needs no cluster.
  if (message.method === 'OPTIONS') return handshake(message, configFrom(process.env));
  if (lostItsBody(message)) return problem(411, LOST_BODY);
  const body = async () => (isTooLarge(message.body) ? undefined : message.body);
  return forCaller({ headers: message.headers, asksFor: 'events', body }, log, (context) =>
    reconcileWebsite(message, context),
  );
}

async function historyFor({ headers, url }: HttpRequest, log: Log): Promise<Reply> {
  const { search, searchParams } = new URL(url);
  const call = {
    headers: Object.fromEntries(headers),
    asksFor: 'history',
    body: async () => signedQuery(search),
  } as const;
  return forCaller(call, log, (context) => listHistory(searchParams, context));
}

/** Answers a caller who is allowed, once the functions are connected. */
async function forCaller(call: Call, log: Log, work: (context: Connected) => Promise<Reply>): Promise<Reply> {
  const open = await connected().catch((error: unknown) => {
    log.error({ err: error }, 'Could not connect to the cluster');
    return undefined;
  });
  if (open === undefined)
    return again('The functions could not connect to the cluster. Their log says why', CONNECT_RETRY_SECONDS);
  return (await open.callers.refusal(call, log)) ?? begun.run(() => work({ ...open, log }));
}

const LOST_BODY =
  'The body is missing. Azure Functions drops a body that is sent without Content-Length (Transfer-Encoding: chunked). Send Content-Length';

/** The host passes a body on only if Content-Length is above 0. Source: its GrpcMessageConversionExtensions. */
const lostItsBody = ({ method, headers, body }: HttpMessage): boolean =>
  method === 'POST' && body === '' && headers['content-length'] === undefined;

/**
 * Takes one structured CloudEvent from a trigger that has no reply: an error makes the trigger retry. A malformed event fails as
 * well. It ends up in the poison queue or in the subscription's dead letters, where an operator can inspect it.
 */
async function takeEvent(event: unknown, invocation: InvocationContext): Promise<void> {
  const context = await contextFor(invocation);
  const { status, body } = await begun.run(() => reconcileEvent(event, context));
  if (status >= 400) throw new Error(`The event was not handled: ${body}`);
}

let connection: Promise<Connected> | undefined;

/** Connects once per instance. If that fails, the next invocation tries again. */
const connected = (): Promise<Connected> =>
  (connection ??= connect().catch((error: unknown) => {
    connection = undefined;
    throw error;
  }));

async function connect(): Promise<Connected> {
  const config = configFrom(process.env);
  const { contextFrom } = await import('./context.ts');
  return contextFrom(config, logOf(console));
}

async function contextFor(invocation: InvocationContext): Promise<Connected> {
  return { ...(await connected()), log: logOf(invocation) };
}

async function messageOf(request: HttpRequest): Promise<HttpMessage> {
  return { method: request.method, headers: Object.fromEntries(request.headers), body: await request.text() };
}

/** Logs through an invocation if there is one, so that Application Insights assigns the line to it. */
function logOf(to: Pick<InvocationContext, 'debug' | 'info' | 'warn' | 'error'>): Log {
  return {
    debug: (fields: object, message?: string) => to.debug(line(fields, message)),
    info: (fields: object, message?: string) => to.info(line(fields, message)),
    warn: (fields: object, message?: string) => to.warn(line(fields, message)),
    error: (fields: object, message?: string) => to.error(line(fields, message)),
  };
}

const line = (fields: object, message?: string): string =>
  printable(JSON.stringify({ msg: message, ...fields }, withErrors));

/** `JSON.stringify` writes an error as `{}`. */
const withErrors = (_: string, value: unknown): unknown =>
  value instanceof Error ? `${value.name}: ${value.message}` : value;
