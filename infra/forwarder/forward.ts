// One term of work: watch -> queue -> deliver. A term starts with a list of everything and ends with the signal.
import { setTimeout as delay } from 'node:timers/promises';
import { PAGES_AT_ONCE } from '../../functions/cluster/pages.ts';
import { Places } from '../../functions/cluster/places.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { burstCounter, giveBackMemory } from '../../functions/memory.ts';
import type { EventData } from '../../functions/events/website-event.ts';
import { CARRIER, KINDS } from '../../functions/website/children/kinds.ts';
import { CHILD_SELECTOR } from '../../functions/website/children/metadata.ts';
import { API_VERSION, apiPath, keyText, PLURAL, type WebsiteKey } from '../../functions/website/resource.ts';
import type { Notice } from './event.ts';
import { handlerOf, merged, type Sender } from './handle.ts';
import type { Health } from './telemetry/health.ts';
import type { Metrics } from './telemetry/metrics.ts';
import {
  childObserver,
  websiteObserver,
  type ChildObserver,
  type Outlet,
  type RememberingObserver,
} from './watch/observers.ts';
import { WorkQueue, type Pending, type Result } from './queue/queue.ts';
import { onlyOf } from './watch/shard.ts';
import { watch } from './watch/watch.ts';
import type { Resource, State, Surroundings, WatchOptions } from './watch/state.ts';

/** What a forwarder keeps from start to exit, across its terms as leader. */
export interface Forwarder extends Sender {
  readonly transport: Transport;
  readonly health: Health;
}

/** A running term. */
export interface Term {
  pending(): Pending;
  /** Numbers of remembered objects, by resource. */
  known(): ReadonlyMap<string, number>;
  /** Resolves after the signal has aborted, once the deliveries under way have ended or `DRAIN_MS` is over. */
  readonly ended: Promise<void>;
}

/** How long deliveries under way may take after the signal. */
const DRAIN_MS = 10_000;
/** When the looks that a list begins are due. By then, changes have taken the free connections. */
const LOOK_AFTER_MS = 500;
const RESYNC_KEY = '*';

const SURROUNDINGS: Surroundings = {
  random: Math.random,
  wait: async (ms, signal) => {
    await delay(ms, undefined, { signal }).catch(() => {});
  },
};

interface Watched {
  /** For people: `websites`, `websites in team-a`. */
  readonly name: string;
  readonly resource: Resource;
  /** What to install where the cluster lacks the API. */
  readonly optionalApi?: string | undefined;
  readonly observer: RememberingObserver;
  /** Only of Deployments. */
  readonly versionOf?: ChildObserver['versionOf'] | undefined;
}

/** Watches and delivers until the signal aborts. */
export function forward(forwarder: Forwarder, signal: AbortSignal): Term {
  const { config, log, health, metrics } = forwarder;
  const handle = handlerOf(forwarder, (key) => carrierVersion(watched, key));
  const queue = new WorkQueue<Notice>({
    parallel: config.parallel,
    handle: (notice, attempt, waitedMs) =>
      handle(notice, attempt, waitedMs).catch((error: unknown): Result<Notice> => {
        log.error({ err: error, eventId: notice.id, attempt }, 'Could not handle change');
        return { kind: 'again' };
      }),
    merge: merged,
    deferred: () => metrics.deferred.inc(),
  });
  const outlet = outletOf(queue, metrics);
  const watched = (config.namespaces ?? [undefined]).flatMap((namespace) => watchedIn(namespace, outlet));
  const noted = notingAbsence(forwarder, outlet);
  health.begin(watched.map(({ name }) => name));
  const places = new Places(PAGES_AT_ONCE);
  const watches = watched.map((each) =>
    startWatch(forwarder, each, { places, entered: noted(each) }, signal).catch((error: unknown) => {
      // The watch makes no more progress, so /livez fails and the kubelet restarts the container.
      log.error({ err: error, resource: each.name }, 'Watch ended unexpectedly');
    }),
  );
  return {
    pending: () => queue.pending(),
    known: () => sizes(watched),
    ended: end(queue, watches, signal).then(() => log.debug({ pending: queue.size }, 'Term ended')),
  };
}

/** Once the signal has aborted, the queue starts no more deliveries. Those under way get `DRAIN_MS`. */
async function end(queue: WorkQueue<Notice>, watches: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([Promise.all([...watches, queue.stop()]), delay(DRAIN_MS, undefined, { ref: false })]);
}

function watchedIn(namespace: string | undefined, outlet: Outlet): Watched[] {
  const place = namespace === undefined ? '' : ` in ${namespace}`;
  const websites = websiteObserver(outlet);
  const children = KINDS.map(({ apiVersion, kind, plural, optionalApi }): Watched => {
    const prefix = apiPath(apiVersion);
    const isOptional = optionalApi !== undefined;
    const resource = { name: plural, prefix, namespace, labelSelector: CHILD_SELECTOR, isOptional };
    const observer = childObserver(kind, outlet, websites);
    const versionOf = kind === CARRIER ? observer.versionOf : undefined;
    return { name: plural + place, resource, optionalApi, observer, versionOf };
  });
  const resource = { name: PLURAL, prefix: apiPath(API_VERSION), namespace };
  return [{ name: PLURAL + place, resource, observer: websites }, ...children];
}

/** Each namespace may have a watch of its own, and only one of them can know the Deployment. */
function carrierVersion(watched: readonly Watched[], key: WebsiteKey): EventData['versions'] {
  const seen = watched.flatMap(({ versionOf }) => (versionOf === undefined ? [] : [versionOf(key)]));
  const version = seen.every((each) => each === null) ? null : seen.find((each) => each !== null);
  return version === undefined ? undefined : { [CARRIER]: version };
}

const now = (): string => new Date().toISOString();

function outletOf(queue: WorkQueue<Notice>, metrics: Metrics): Outlet {
  let resyncs = 0;
  const { changed } = burstCounter(giveBackMemory);
  return {
    // Changes go before the resync. Websites that were not Ready before a list and have not changed get a look, and their namespaces
    // take turns. There may be thousands of them.
    change: ({ versions, ...change }, revealedBy) => {
      // If a list reveals a change, other objects may have changed unnoticed too.
      const isComplete = versions !== undefined && revealedBy === 'watch';
      const item = { ...change, ...(isComplete ? { versions } : {}), time: now() };
      const key = keyText(change.key);
      const work = { key, group: change.key.namespace, item };
      if (revealedBy === 'watch') queue.add({ ...work, lane: 'fast' });
      else if (change.reason === 'retry') queue.add({ ...work, lane: 'later', afterMs: LOOK_AFTER_MS });
      else queue.add({ ...work, lane: 'listed' });
      changed();
    },
    resync: () => {
      const id = `resync.${process.pid}.${Date.now()}.${++resyncs}`;
      queue.add({ key: RESYNC_KEY, group: RESYNC_KEY, lane: 'slow', item: { kind: 'resync', id, time: now() } });
    },
    missed: (resource) => metrics.missed.inc({ resource }),
  };
}

/**
 * Logs once that the cluster lacks an API, and once that it is there, however many namespaces are watched. Then it requests a resync,
 * which finds the Websites that wait for the API: they have no child that a list could reveal.
 */
function notingAbsence({ log }: Forwarder, outlet: Outlet) {
  const absent = new Set<string>();
  return ({ resource: { name }, optionalApi }: Watched) =>
    (state: State): void => {
      if (state.name === 'absent' && !absent.has(name)) {
        absent.add(name);
        log.info({ resource: name, install: optionalApi }, 'The cluster lacks an optional API');
      }
      if (state.name !== 'watching' || !absent.delete(name)) return;
      log.info({ resource: name }, 'An optional API was installed');
      outlet.resync();
    };
}

function startWatch(
  { config, transport, log, health, metrics }: Forwarder,
  watched: Watched,
  { places, entered }: Pick<WatchOptions, 'places' | 'entered'>,
  signal: AbortSignal,
) {
  const { name, resource, observer } = watched;
  let before: State['name'] = 'waiting';
  return watch(
    {
      resource,
      transport,
      observer: config.shard === undefined ? observer : onlyOf(config.shard, observer),
      surroundings: SURROUNDINGS,
      places,
      progressed: () => health.progressed(name),
      handled: (ms) => metrics.watched.observe(ms / 1000),
      entered: (state) => {
        entered(state);
        health.entered(name, state);
        if (before === 'listing' && state.name === 'watching' && health.problems().length === 0) giveBackMemory();
        before = state.name;
        if (state.name === 'listing') metrics.lists.inc({ resource: resource.name, reason: state.reason });
        if (state.name !== 'waiting') log.debug({ resource: name, state: state.name }, 'Watch changed state');
        else
          log.warn(
            { resource: name, why: state.why, delayMs: state.delayMs },
            'Watch is interrupted and will try again',
          );
      },
    },
    signal,
  );
}

function sizes(watched: readonly Watched[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { resource, observer } of watched)
    sums.set(resource.name, (sums.get(resource.name) ?? 0) + observer.size());
  return sums;
}
