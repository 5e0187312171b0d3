import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../functions/cluster/causes.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import * as z from 'zod';

/** The Lease to compete for, and our identity in it. */
export interface LeaseOptions {
  readonly transport: Transport;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process. */
  readonly identity: string;
  /** Called on every look at the Lease that does not make us its holder, with the holder or the error. */
  readonly onStandby: (why: string) => void;
  readonly times?: LeaseTimes;
}

/** All in milliseconds. */
export interface LeaseTimes {
  /** Others may take the Lease when its holder has not renewed it for this long. */
  readonly duration: number;
  /** How often the holder renews the Lease, and the others read it. */
  readonly period: number;
}

/**
 * Shorter than Kubernetes' usual 15 s, because two holders at once are harmless: they only send events twice
 * (docs/adr/0006-lease.md). A standby replaces a forwarder that died within some 5 s.
 */
const TIMES: LeaseTimes = { duration: 5_000, period: 1_000 };

const lease = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseTransitions: z.number().nullish(),
      acquireTime: z.string().nullish(),
    })
    .default({}),
});
type Lease = z.output<typeof lease>;

/**
 * Runs `work` whenever this process holds the Lease, until the signal aborts. Then it releases the Lease, so that another
 * replica can take over at once. Errors of the API server never make it throw.
 * @param work must end when its signal aborts: either we are stopping, or we may have lost the Lease.
 */
export async function lead(
  options: LeaseOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const held = await acquire(options, signal);
    if (held !== undefined) await hold(held, options, signal, work);
  }
}

/** Waits until the Lease is free, and takes it. @returns undefined if the signal aborts first. */
async function acquire(options: LeaseOptions, signal: AbortSignal): Promise<Lease | undefined> {
  const { duration, period } = options.times ?? TIMES;
  // Clocks of different machines differ, so `renewTime` is not used: we measure ourselves how long the Lease has not changed.
  let seen = { version: '', silentMs: 0, readAt: performance.now() };
  while (!signal.aborted) {
    try {
      const current = await read(options, signal);
      const { resourceVersion: version } = current?.metadata ?? { resourceVersion: '' };
      seen = { version, silentMs: silentMs(seen, version, period), readAt: performance.now() };
      const holder = holderOf(current);
      const isFree = ['', options.identity].includes(holder) || seen.silentMs > duration;
      if (isFree) return await write(options, current, 'take', signal);
      options.onStandby(`standing by: ${holder} is leading`);
    } catch (error) {
      options.onStandby(`standing by: could not take the Lease: ${messageOf(error)}`);
    }
    await pause(period, signal);
  }
  return undefined;
}

/**
 * How long the holder has not renewed, in milliseconds. One interval between two reads counts as two periods at most. If our own
 * reads fail or are slow, the API server is slow for the holder too. It must not lose its Lease for that.
 */
function silentMs(
  seen: { version: string; silentMs: number; readAt: number },
  version: string,
  period: number,
): number {
  if (version !== seen.version) return 0;
  return seen.silentMs + Math.min(performance.now() - seen.readAt, 2 * period);
}

/** Runs the work, and renews the Lease until it is lost or the signal aborts. */
async function hold(
  taken: Lease,
  options: LeaseOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { period } = options.times ?? TIMES;
  const term = new AbortController();
  const ended = work(AbortSignal.any([signal, term.signal]));
  // It is awaited below. Until then, this handler keeps a failure from being an unhandled rejection.
  ended.catch(() => {});
  let current = taken;
  for (;;) {
    await pause(period, signal);
    if (signal.aborted) break;
    const renewed = await renew(current, options, signal);
    if (renewed === 'lost') break;
    current = renewed;
  }
  // After this abort we start no new delivery, so another replica may take over before our last deliveries end.
  term.abort();
  const deadline = AbortSignal.timeout(period);
  if (signal.aborted) await release(current, options, deadline).catch(() => {});
  await ended;
}

/** Frees the Lease. The last renewal may have been stored although its answer never came, so we look again after a conflict. */
async function release(current: Lease, options: LeaseOptions, signal: AbortSignal): Promise<void> {
  try {
    await write(options, current, 'release', signal);
  } catch (error) {
    if (!isConflict(error)) throw error;
    const now = await read(options, signal);
    if (holderOf(now) === options.identity) await write(options, now, 'release', signal);
  }
}

/**
 * Renews the Lease. While the API server is unreachable we keep leading: only a response can say that the Lease is lost.
 * @returns the Lease as last read or written.
 */
async function renew(current: Lease, options: LeaseOptions, signal: AbortSignal): Promise<Lease | 'lost'> {
  try {
    return await write(options, current, 'renew', signal);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.class === 'transient') return current;
    if (!isConflict(error)) return 'lost';
    const now = await read(options, signal).catch(() => undefined);
    return now !== undefined && holderOf(now) === options.identity ? now : 'lost';
  }
}

/** Empty if the Lease does not exist or was released. */
const holderOf = (current: Lease | undefined): string => current?.spec.holderIdentity ?? '';

const pathOf = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

/** @returns undefined if the Lease does not exist. */
async function read({ transport, namespace, name }: LeaseOptions, signal: AbortSignal): Promise<Lease | undefined> {
  try {
    const path = `${pathOf(namespace)}/${name}`;
    return lease.parse(
      await transport.json({ method: 'GET', path, what: `get leases ${name}`, turn: 'at once', signal }),
    );
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'NotFound') return undefined;
    throw error;
  }
}

/** @throws ClusterError of class `conflict` if the Lease was written since it was read. */
async function write(
  { transport, namespace, name, identity, times }: LeaseOptions,
  current: Lease | undefined,
  how: 'take' | 'renew' | 'release',
  signal: AbortSignal,
): Promise<Lease> {
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  const spec = {
    ...current?.spec,
    holderIdentity: how === 'release' ? '' : identity,
    leaseDurationSeconds: Math.ceil((times ?? TIMES).duration / 1000),
    renewTime,
    ...(how === 'take' ? { acquireTime: renewTime, leaseTransitions: transitionsAfter(current) } : {}),
  };
  const metadata = current?.metadata ?? { name, namespace };
  const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
  const [method, path] =
    current === undefined ? (['POST', pathOf(namespace)] as const) : (['PUT', `${pathOf(namespace)}/${name}`] as const);
  return lease.parse(
    await transport.json({ method, path, what: `${how} leases ${name}`, turn: 'at once', body, signal }),
  );
}

/** The largest int32. The API server refuses a larger count, so the count starts again at 0. */
const MOST_TRANSITIONS = 2 ** 31 - 1;

function transitionsAfter(current: Lease | undefined): number {
  if (current === undefined) return 0;
  const transitions = current.spec.leaseTransitions ?? 0;
  return transitions < MOST_TRANSITIONS ? transitions + 1 : 0;
}

/** Another process created, changed or deleted the Lease. */
const isConflict = (error: unknown): boolean => error instanceof ClusterError && error.class === 'conflict';

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
