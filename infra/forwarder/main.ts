// The forwarder: watch -> queue -> deliver. This file only puts the parts together.
import { setTimeout as delay } from 'node:timers/promises';
import { pino, type Logger } from 'pino';
import { Agent } from 'undici';
import { connect } from '../../functions/cluster/transport.ts';
import { CHILD_APIS, CHILD_SELECTOR, type ChildKind } from '../../functions/website/children.ts';
import { API_VERSION, apiPath, PLURAL, keyText } from '../../functions/website/resource.ts';
import { configFrom, USAGE, UsageError, type Config } from './config.ts';
import { deliver, type Delivery, type Notice, type SinkOptions } from './deliver.ts';
import { Health, serveHealth } from './health.ts';
import type { Change } from './known.ts';
import { childObserver, websiteObserver, type Outlet } from './observers.ts';
import { WorkQueue, type Result } from './queue.ts';
import { watch, type Observer, type Resource, type Surroundings } from './watch.ts';

const WEBSITES: Resource = { name: PLURAL, prefix: apiPath(API_VERSION) };
const CHILDREN = (Object.keys(CHILD_APIS) as ChildKind[]).map((kind) => {
  const { apiVersion, plural } = CHILD_APIS[kind];
  const resource: Resource = { name: plural, prefix: apiPath(apiVersion), labelSelector: CHILD_SELECTOR };
  return { kind, resource };
});

/** How long deliveries that are under way may take after we are asked to stop. */
const DRAIN_MS = 10_000;
const RESYNC_KEY = '*';
/** A resync takes as long as there are Websites that differ; the functions end theirs after 200 s. */
const RESYNC_TIMEOUT_MS = 240_000;

async function main(config: Config): Promise<void> {
  const log = pino({ level: config.logLevel });
  const transport = await connect({ kubeconfig: config.kubeconfig, context: config.context });
  const health = new Health([WEBSITES, ...CHILDREN.map(({ resource }) => resource)].map(({ name }) => name));
  const { server, url } = await serveHealth(health, config.host, config.port);
  log.info({ url, cluster: transport.server, sink: config.sink.origin }, 'Listening');

  const agent = new Agent({ allowH2: false, connections: config.parallel, pipelining: 1, keepAliveTimeout: 30_000 });
  const sink: SinkOptions = {
    url: config.sink,
    agent,
    cluster: config.cluster,
    mode: config.mode,
    timeoutMs: config.timeoutMs,
  };
  const queue = new WorkQueue<Notice>({ parallel: config.parallel, handle: handler(sink, log), merge: merged });
  let resyncs = 0;
  const outlet: Outlet = {
    // The state of its Website asks for each of these; what only repeats goes slow: requeues and the resync.
    change: (change) =>
      queue.add({ key: keyText(change.key), group: change.key.namespace, lane: 'fast', item: change }),
    resync: () => {
      const id = `resync.${process.pid}.${Date.now()}.${++resyncs}`;
      queue.add({ key: RESYNC_KEY, group: RESYNC_KEY, lane: 'slow', item: { kind: 'resync', id } });
    },
  };

  const stopping = new AbortController();
  const start = (resource: Resource, observer: Observer) =>
    watch(
      { resource, transport, observer, surroundings: SURROUNDINGS, entered: entering(resource, health, log) },
      stopping.signal,
    );
  const watches = [
    start(WEBSITES, websiteObserver(outlet)),
    ...CHILDREN.map(({ kind, resource }) => start(resource, childObserver(kind, outlet))),
  ];

  const stop = async () => {
    log.info({ pending: queue.size }, 'Stopping');
    stopping.abort();
    server.close();
    server.closeAllConnections();
    await Promise.race([Promise.all([...watches, queue.stop()]), delay(DRAIN_MS, undefined, { ref: false })]);
    await Promise.all([agent.destroy(), transport.close()]);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
}

const SURROUNDINGS: Surroundings = {
  random: Math.random,
  wait: async (ms, signal) => {
    await delay(ms, undefined, { signal }).catch(() => {});
  },
};

/** An Ingress that changed has to be looked at, whatever came after. */
function merged(older: Notice, newer: Notice): Notice {
  if (older.kind === 'resync' || newer.kind === 'resync' || older.childKind !== 'Ingress') return newer;
  return { ...newer, childKind: 'Ingress' };
}

function handler(sink: SinkOptions, log: Logger) {
  return async (notice: Notice, attempt: number): Promise<Result<Notice>> => {
    const start = performance.now();
    const timeoutMs = notice.kind === 'resync' ? RESYNC_TIMEOUT_MS : sink.timeoutMs;
    const delivery = await deliver(notice, { ...sink, timeoutMs });
    const { kind, ...answer } = delivery;
    const about = {
      ...(notice.kind === 'resync' ? {} : { ...notice.key, reason: notice.reason }),
      type: notice.kind,
      eventId: notice.id,
      attempt,
      ...answer,
      ms: Math.round(performance.now() - start),
    };
    if (kind === 'accepted') log.info(about, 'Delivered event');
    else if (kind === 'rejected') log.error(about, 'Sink rejected event');
    // Once when it begins, and then ever more rarely.
    else if (Number.isInteger(Math.log2(attempt))) log.warn(about, 'Could not deliver event');
    return resultOf(notice, delivery);
  };
}

function resultOf(notice: Notice, delivery: Delivery): Result<Notice> {
  if (delivery.kind === 'failed') return { kind: 'again', retryAfterSeconds: delivery.retryAfterSeconds ?? 0 };
  if (delivery.kind === 'rejected' || delivery.requeueAfterSeconds === undefined) return { kind: 'done' };
  return notice.kind === 'resync'
    ? { kind: 'done' }
    : { kind: 'done', next: requeued(notice, delivery.requeueAfterSeconds) };
}

/** Another look is another event, with an id of its own. */
function requeued({ key, uid }: Change, afterSeconds: number) {
  const id = `${uid}.requeue.${Date.now()}`;
  return { afterMs: afterSeconds * 1000, item: { kind: 'changed', key, uid, id, reason: 'retry' } } as const;
}

function entering(resource: Resource, health: Health, log: Logger) {
  return (state: Parameters<Health['entered']>[1]) => {
    health.entered(resource.name, state);
    if (state.name === 'waiting')
      log.warn({ resource: resource.name, why: state.why, delayMs: state.delayMs }, 'Watch is waiting');
    else log.debug({ resource: resource.name, state: state.name }, 'Watch went on');
  };
}

try {
  const config = configFrom(process.argv.slice(2), process.env);
  if (config === 'help') process.stdout.write(USAGE);
  else await main(config);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
