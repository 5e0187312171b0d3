// Host: Azure Functions, programming model v4. It only converts. Nothing here may fail or wait while the app is loaded:
// the host would report an app without functions. No name has a hyphen: an app setting that disables a function, such as
// AzureWebJobs.resyncWebsites.Disabled, cannot have one on Linux.
import { app, type HttpRequest, type HttpResponseInit, type InvocationContext, type Timer } from '@azure/functions';
import type { HttpMessage } from './events/cloudevents.ts';
import { configFrom } from './config.ts';
import type { Connected } from './context.ts';
import { surviveRejections } from './telemetry/last-resort.ts';
import { metricsFrom } from './telemetry/metrics.ts';
import { printable } from './telemetry/printable.ts';
import { handshake, reconcileEvent, reconcileWebsite } from './reconcile-website.ts';
import { resyncClusters } from './resync-websites.ts';
import type { Log } from './telemetry/log.ts';
import { again, isTooLarge, problem, type Reply } from './reply.ts';

app.http('reconcileWebsite', {
  route: 'websites',
  methods: ['POST', 'OPTIONS'],
  authLevel: 'function',
  handler: async (request: HttpRequest, invocation: InvocationContext): Promise<HttpResponseInit> => {
    const { status, headers, body } = await answerTo(await messageOf(request), logOf(invocation));
    return { status, headers, ...(body === undefined ? {} : { body }) };
  },
});

// Costs nothing where no subscription leads to it: Event Grid calls the host, with a key of its own.
app.eventGrid('reconcileWebsiteFromEventGrid', { handler: takeEvent });

// Registered only where there is a queue: the host polls it, and reports a queue name that is not set as a broken function.
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
    // Never skipped: after a gap a resync is what is needed.
    if (timer.isPastDue) invocation.warn(line({}, 'Resync is late'));
    const context = await contextFor(invocation);
    const { unreached, unfinished } = await resyncClusters(context.clusters.all, context);
    // A timer has no answer: an error is how the host and its metrics learn that the cluster could not be asked.
    if (unreached > 0) throw new Error(`${unreached} Websites could not be reached, ${unfinished} were left`);
  },
});

surviveRejections(logOf(console));

// What speaks to the cluster is loaded while the host is still busy with its own start. It does not wait for this.
app.hook.appStart(() => {
  connected().catch((error: unknown) => console.error(line({ err: error }, 'Could not connect to the cluster')));
});

app.hook.appTerminate(async () => {
  const open = await connection?.catch(() => undefined);
  await open?.close();
});

/** What a sender waits where the cluster cannot be connected to. */
const CONNECT_RETRY_SECONDS = 5;

/** The host has looked at the key; what is configured beside it is checked here. */
async function answerTo(message: HttpMessage, log: Log): Promise<Reply> {
  // Who asks for it is told nothing but whether it may send, for which no cluster is needed.
  if (message.method === 'OPTIONS') return handshake(message, configFrom(process.env));
  if (lostItsBody(message)) return problem(411, LOST_BODY);
  const open = await connected().catch((error: unknown) => {
    log.error({ err: error }, 'Could not connect to the cluster');
    return undefined;
  });
  if (open === undefined)
    return again('The cluster cannot be connected to: the log of the functions says why', CONNECT_RETRY_SECONDS);
  const body = async () => (isTooLarge(message.body) ? undefined : message.body);
  const refusal = await open.callers.refusal({ headers: message.headers, asksFor: 'events', body }, log);
  return refusal ?? reconcileWebsite(message, { ...open, log });
}

const LOST_BODY =
  'The body did not arrive: Azure Functions drops one that is sent without Content-Length (Transfer-Encoding: chunked). Send it with Content-Length';

/** Source: GrpcMessageConversionExtensions of the host, which hands on the body where Content-Length is above 0. */
const lostItsBody = ({ method, headers, body }: HttpMessage): boolean =>
  method === 'POST' && body === '' && headers['content-length'] === undefined;

/**
 * Takes one structured CloudEvent from a trigger that knows no answer but an error, after which it tries again. What cannot be
 * read fails as well, so that it ends where somebody can look at it: the poison queue, or the subscription's dead letters.
 */
async function takeEvent(event: unknown, invocation: InvocationContext): Promise<void> {
  const { status, body } = await reconcileEvent(event, await contextFor(invocation));
  if (status >= 400) throw new Error(`The event was not handled: ${body}`);
}

let connection: Promise<Connected> | undefined;

/** Connects once, and keeps that while the instance is warm; what failed is tried again by the next invocation. */
const connected = (): Promise<Connected> =>
  (connection ??= connect().catch((error: unknown) => {
    connection = undefined;
    throw error;
  }));

async function connect(): Promise<Connected> {
  const config = configFrom(process.env);
  const { contextFrom } = await import('./context.ts');
  const log = logOf(console);
  const open = await contextFrom(config, log);
  const endMetrics = await metricsFrom(config, log);
  return {
    ...open,
    async close() {
      await Promise.all([open.close(), endMetrics()]);
    },
  };
}

async function contextFor(invocation: InvocationContext): Promise<Connected> {
  return { ...(await connected()), log: logOf(invocation) };
}

async function messageOf(request: HttpRequest): Promise<HttpMessage> {
  return { method: request.method, headers: Object.fromEntries(request.headers), body: await request.text() };
}

/** Logs through an invocation where there is one, so that Application Insights knows what a line belongs to. */
function logOf(to: Pick<InvocationContext, 'info' | 'warn' | 'error'>): Log {
  return {
    info: (fields: object, message?: string) => to.info(line(fields, message)),
    warn: (fields: object, message?: string) => to.warn(line(fields, message)),
    error: (fields: object, message?: string) => to.error(line(fields, message)),
  };
}

const line = (fields: object, message?: string): string =>
  printable(JSON.stringify({ msg: message, ...fields }, withErrors));

/** JSON knows nothing of errors. */
const withErrors = (_: string, value: unknown): unknown =>
  value instanceof Error ? `${value.name}: ${value.message}` : value;
