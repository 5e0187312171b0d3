// Host: Azure Functions, programming model v4. It only converts. Nothing here may fail or wait while the app is loaded:
// the host would report an app without functions.
import { app, type HttpRequest, type HttpResponseInit, type InvocationContext, type Timer } from '@azure/functions';
import type { HttpMessage } from './cloudevents.ts';
import { configFrom } from './config.ts';
import type { Connected, Log } from './context.ts';
import { reconcileWebsite } from './reconcile-website.ts';
import { resyncClusters } from './resync-websites.ts';

app.http('reconcile-website', {
  route: 'websites',
  methods: ['POST', 'OPTIONS'],
  authLevel: 'function',
  handler: async (request: HttpRequest, invocation: InvocationContext): Promise<HttpResponseInit> => {
    const [message, context] = [await messageOf(request), await contextFor(invocation)];
    // The host has looked at the key; what is configured beside it is checked here.
    const isHandshake = message.method === 'OPTIONS';
    const refusal = isHandshake ? undefined : await context.callers.refusal(message.headers, async () => message.body);
    const reply = refusal ?? (await reconcileWebsite(message, context));
    return { status: reply.status, headers: reply.headers, ...(reply.body === undefined ? {} : { body: reply.body }) };
  },
});

app.timer('resync-websites', {
  schedule: '%RESYNC_SCHEDULE%',
  runOnStartup: false,
  handler: async (timer: Timer, invocation: InvocationContext): Promise<void> => {
    if (timer.isPastDue) invocation.info('Resync is late');
    const context = await contextFor(invocation);
    const { failed, unfinished } = await resyncClusters(context.clusters.all, context);
    // A timer has no answer: an error is how the host and its metrics learn of it.
    if (failed > 0) throw new Error(`${failed} Websites could not be reconciled, ${unfinished} were left`);
  },
});

app.hook.appTerminate(async () => {
  const connected = await connection?.catch(() => undefined);
  await connected?.close();
});

/** Made by the first invocation and kept while the instance is warm. */
let connection: Promise<Connected> | undefined;

async function contextFor(invocation: InvocationContext): Promise<Connected> {
  const log = logOf(invocation);
  connection ??= connect(log);
  try {
    return { ...(await connection), log };
  } catch (error) {
    connection = undefined;
    throw error;
  }
}

/** What speaks to the cluster is loaded by the first invocation: the host waits for the rest at every start. */
async function connect(log: Log): Promise<Connected> {
  const config = configFrom(process.env);
  const { contextFrom } = await import('./context.ts');
  return contextFrom(config, log);
}

async function messageOf(request: HttpRequest): Promise<HttpMessage> {
  return { method: request.method, headers: Object.fromEntries(request.headers), body: await request.text() };
}

/** Logs through the invocation, so that Application Insights knows what a line belongs to. */
function logOf(invocation: InvocationContext): Log {
  return {
    info: (fields: object, message?: string) => invocation.info(line(fields, message)),
    warn: (fields: object, message?: string) => invocation.warn(line(fields, message)),
    error: (fields: object, message?: string) => invocation.error(line(fields, message)),
  };
}

const line = (fields: object, message?: string): string => JSON.stringify({ msg: message, ...fields }, withErrors);

/** JSON knows nothing of errors. */
const withErrors = (_: string, value: unknown): unknown =>
  value instanceof Error ? `${value.name}: ${value.message}` : value;
