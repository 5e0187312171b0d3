// Host: node:http, for Knative, any container and a plain process. It only converts.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { browserRefusal } from './callers/browsers.ts';
import { signedQuery, type Call } from './callers/callers.ts';
import { ClusterError } from './cluster/errors.ts';
import { lastResync } from './clusters.ts';
import { ConfigError, configFrom, type Config } from './config.ts';
import { contextFrom } from './context.ts';
import { callersProblems } from './settings/cross-checks.ts';
import { unknownArgument } from './settings/unknown-argument.ts';
import { endSoon } from './telemetry/ending.ts';
import { surviveRejections } from './telemetry/last-resort.ts';
import { logOf, type Log } from './telemetry/log.ts';
import { statuszText } from './statusz.ts';
import { listHistory } from './list-history.ts';
import { burstCounter, giveBackMemory } from './memory.ts';
import { reconcileWebsite, resyncAll } from './reconcile-website.ts';
import { endsWithin, onceAskedToStop, Running } from './stopping.ts';
import { ROOM, WaitingRoom } from './callers/waiting-room.ts';
import { bodyOf, discardRest } from './events/body.ts';
import { problem, tooLarge, wrongMethod, type Reply } from './reply.ts';

const LARGEST_HEADERS = 16 * 1024;
/** Events are small. A sender that needs longer than this holds a place that others wait for. */
const REQUEST_MS = 10_000;
/** Longer than senders and load balancers keep idle connections, so that a connection is not reused just as it closes here. */
const KEEP_ALIVE_MS = 75_000;
/** How long the work that has begun may take after the process is asked to stop. */
const DRAIN_MS = 25_000;
/** Kubernetes kills a process 30 s after it asks it to stop. The time after `DRAIN_MS` is for the history and the last metrics. */
const STOP_MS = 29_000;

async function main(config: Config): Promise<void> {
  const startedAt = Date.now();
  const log = logOf(config.logLevel);
  surviveRejections(log);
  const begun = new Running();
  /** Absent until the host listens. It has begun nothing before. */
  let stop: (() => void) | undefined;
  onceAskedToStop(() => {
    log.info({ running: begun.size }, 'Stopping');
    if (stop === undefined) process.exit();
    stop();
  });
  const context = await contextFrom(config, log);
  const strangers = new WaitingRoom();
  // Known callers have a room of their own, where no stranger can turn them away.
  const uploads = new WaitingRoom(Math.max(ROOM, config.maxConcurrent));
  const bursts = burstCounter(giveBackMemory);
  let running = 0;
  let isStopping = false;

  /** Answers 429 while `maxConcurrent` requests run. The sender keeps the event, and another instance may take it. */
  async function limited(work: () => Promise<Reply>): Promise<Reply> {
    if (running >= config.maxConcurrent)
      return tooMany(`The limit of ${config.maxConcurrent} running requests is reached`);
    running++;
    try {
      return await begun.run(work);
    } finally {
      running--;
    }
  }

  async function route(request: IncomingMessage): Promise<Reply> {
    const path = request.url?.split('?', 1)[0];
    const page = pages.get(path ?? '');
    if (page !== undefined) return page();
    if (!isPath(path))
      return problem(404, `Unknown path. The paths are ${[...Object.keys(PATHS), ...pages.keys()].join(', ')}`);
    const { method = 'GET' } = request;
    return method === PATHS[path].method ? answer(request, path) : withoutBody(request, method, path);
  }

  /**
   * The answer to a method that the path does not take, and to the handshake. The server answers without authentication and without
   * reading a body: the handshake only tells whether an origin may send. These requests do not count against `maxConcurrent`.
   */
  async function withoutBody(request: IncomingMessage, method: string, path: Path): Promise<Reply> {
    const headers = headersOf(request);
    const reply =
      path === '/'
        ? await reconcileWebsite({ method, headers, body: '' }, context)
        : wrongMethod(PATHS[path].otherwise, PATHS[path].method);
    return hasBody(headers) ? closing(reply) : reply;
  }

  /**
   * The answer to a caller that is not allowed. Without tokens and signatures, this refuses requests that a web page may have sent,
   * and reads the whole body first.
   */
  async function refused(call: Call): Promise<Reply | undefined> {
    if (asksCallers(config)) return context.callers.refusal(call, log);
    const refusal = browserRefusal(call.headers, config, context);
    return refusal ?? ((await call.body()) === undefined ? tooLarge() : undefined);
  }

  async function history(request: IncomingMessage, headers: Readonly<Record<string, string>>): Promise<Reply> {
    const reply = await listHistory(new URLSearchParams(searchOf(request)), context);
    return hasBody(headers) ? closing(reply) : reply;
  }

  /** The Pod stays ready while it uses previous credentials, since they still work. The body lists what could not be renewed. */
  const readiness = (): string => ['ok', ...context.troubles(), ''].join('\n');

  function status(): string {
    const lastCompleteAt = lastResync(context.clusters)?.toISOString();
    const resync = { intervalSeconds: config.resyncIntervalSeconds, lastCompleteAt };
    return statuszText(startedAt, { program: 'functions', namespaces: config.namespaces, resync });
  }

  /** Open to everybody who reaches the port. */
  const pages: ReadonlyMap<string, () => Reply> = new Map([
    ['/livez', () => ({ status: 200, headers: TEXT, body: 'ok\n' })],
    ['/readyz', () => ({ status: 200, headers: TEXT, body: readiness() })],
    ['/statusz', () => ({ status: 200, headers: JSON_TYPE, body: status() })],
  ]);

  async function answer(request: IncomingMessage, path: Path): Promise<Reply> {
    const headers = headersOf(request);
    let read: Promise<string | undefined> | undefined;
    const body = () => (read ??= path === '/history' ? signedQueryOf(request) : bodyOf(request));
    const call = { headers, asksFor: PATHS[path].asksFor, body } as const;
    const refusal = await strangers.decide(() => refused(call));
    if (refusal === 'turned away') return closing(tooMany('Too many requests wait for their caller to be checked'));
    if (refusal !== undefined) return closing(refusal);
    if (path === '/resync') return limited(() => resyncAll('http', context).finally(bursts.burst));
    if (path === '/history') return limited(() => history(request, headers));
    // A body that arrives slowly takes no place from the work.
    const arrived = await uploads.decide(async () => ({ text: await body() }));
    if (arrived === 'turned away') return closing(tooMany('Too many requests wait for the rest of their body'));
    const { text } = arrived;
    if (text === undefined) return closing(tooLarge());
    return limited(() => {
      bursts.changed();
      return reconcileWebsite({ method: 'POST', headers, body: text }, context);
    });
  }

  const server = createServer(
    {
      maxHeaderSize: LARGEST_HEADERS,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      const respond = async () => {
        const reply = await route(request);
        await send(isStopping ? closing(reply) : reply, request, response);
      };
      // A failure in one request, or in sending its answer, must not affect the others.
      respond().catch((error: unknown) => {
        if (request.complete) log.error({ err: error }, 'Could not answer request');
        else context.thinned.log(log, 'info', 'closed', {}, 'Connection closed before the request was complete');
        if (response.headersSent) response.destroy();
        else end(closing(problem(500, 'Internal error')), response);
      });
    },
  );
  server.once('error', (error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'EADDRINUSE' ? 'the port is in use. Set PORT to another, or to 0 for a free one' : error.message;
    process.stderr.write(`Could not listen on ${config.host} port ${config.port}: ${why}\n`);
    process.exit(1);
  });
  server.listen(config.port, config.host, () => {
    const { port } = server.address() as AddressInfo;
    const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host;
    log.info({ url: `http://${host}:${port}/` }, 'Listening');
  });
  const timer = scheduleResync(config, () => begun.run(() => resyncAll('timer', context)).finally(bursts.burst), log);

  /** Finishes what has begun, and then closes the connections. What takes longer than `DRAIN_MS` is abandoned. */
  async function finish(): Promise<void> {
    setTimeout(() => process.exit(1), STOP_MS).unref();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // They would keep the server open.
    server.closeIdleConnections();
    // A request whose sender is gone keeps no connection.
    const isFinished = await endsWithin(DRAIN_MS, Promise.all([closed, begun.ended()]));
    if (!isFinished) {
      process.exitCode = 1;
      log.warn({ running: begun.size }, 'Stopped before all work was finished');
    }
    await context.close();
  }
  stop = () => {
    isStopping = true;
    clearInterval(timer);
    context.stop();
    finish()
      .catch((error: unknown) => log.warn({ err: error }, 'Could not close all connections'))
      .finally(endSoon);
  };
}

const TEXT = { 'content-type': 'text/plain' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** What a request to each path asks for, and the answer to another method. The events' path also takes the handshake. */
const PATHS = {
  '/': { method: 'POST', asksFor: 'events', otherwise: 'Send CloudEvents with POST' },
  '/resync': { method: 'POST', asksFor: 'resync', otherwise: 'Use POST to request a resync' },
  '/history': { method: 'GET', asksFor: 'history', otherwise: 'Use GET to read the history' },
} as const;
type Path = keyof typeof PATHS;

const isPath = (path: string | undefined): path is Path => path !== undefined && Object.hasOwn(PATHS, path);

/** The query as it was sent, with its question mark. */
const searchOf = ({ url = '' }: IncomingMessage): string => (url.includes('?') ? url.slice(url.indexOf('?')) : '');
const signedQueryOf = async (request: IncomingMessage): Promise<string> => signedQuery(searchOf(request));

const asksCallers = ({ callers: { tokens, signingSecrets } }: Config): boolean =>
  tokens !== undefined || signingSecrets !== undefined;

/** Resyncs on an interval. The jitter keeps replicas from resyncing at the same moment. */
function scheduleResync(
  { resyncIntervalSeconds }: Config,
  resync: () => Promise<unknown>,
  log: Log,
): NodeJS.Timeout | undefined {
  if (resyncIntervalSeconds === 0) return undefined;
  const jittered = resyncIntervalSeconds * (0.9 + Math.random() * 0.2);
  const run = () => {
    resync().catch((error: unknown) => log.error({ err: error }, 'Could not resync Websites'));
  };
  return setInterval(run, jittered * 1000).unref();
}

function tooMany(detail: string): Reply {
  const reply = problem(429, detail);
  return { ...reply, headers: { ...reply.headers, 'retry-after': '1' } };
}

const hasBody = ({ 'content-length': length = '0', 'transfer-encoding': coding }: Record<string, string>): boolean =>
  length !== '0' || coding !== undefined;

/** Closes the connection after this answer: part of the request may be unread, or the server is stopping. */
const closing = (reply: Reply): Reply => ({ ...reply, headers: { ...reply.headers, connection: 'close' } });

function headersOf(request: IncomingMessage): Readonly<Record<string, string>> {
  const entries = Object.entries(request.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  );
  return Object.fromEntries(entries);
}

async function send(reply: Reply, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A request that is turned away holds what has arrived of its body, so its connection ends at once.
  if (!request.complete && reply.status !== 429) {
    begin(reply, response).flushHeaders();
    response.write(reply.body ?? '');
    await discardRest(request);
    response.end();
  } else end(reply, response);
}

const end = (reply: Reply, response: ServerResponse) => begin(reply, response).end(reply.body);

const begin = ({ status, headers, body }: Reply, response: ServerResponse): ServerResponse =>
  response.writeHead(status, {
    ...headers,
    ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
  });

const USAGE = `The functions take no flags. Environment variables are their settings, for example:
  HOST=127.0.0.1 PORT=8080 ALLOW_ANONYMOUS=1 KUBECONFIG=~/.kube/config npm run start:functions
docs/functions.md lists all settings.
`;

/** @throws ConfigError if there are arguments: an ignored flag would be a surprise. */
function checkArguments(args: readonly string[]): void {
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true });
  const problems = new Set(tokens.map(unknownArgument));
  if (problems.size > 0) throw new ConfigError(`${[...problems].join('\n')}\n${USAGE.trimEnd()}`);
}

try {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) process.stdout.write(USAGE);
  else {
    checkArguments(args);
    await main(configFrom(process.env, callersProblems));
  }
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof ClusterError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
