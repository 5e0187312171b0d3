import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import * as z from 'zod';

/** Which Lease, and who we are to it. */
export interface LeaseOptions {
  readonly transport: Transport;
  readonly namespace: string;
  readonly name: string;
  /** Different for every process. */
  readonly identity: string;
  /** Told who holds it, when that is not us, and of what goes wrong. */
  readonly standingBy: (why: string) => void;
  readonly times?: LeaseTimes;
}

/** All in milliseconds. */
export interface LeaseTimes {
  /** A holder that has not renewed for so long is gone. */
  readonly duration: number;
  /** How often the holder renews, and the others look. */
  readonly period: number;
}

/**
 * Shorter than usual, since nothing depends on there being one holder: two of them send events twice, which does no harm
 * (docs/adr/0006-lease.md). A forwarder that died is followed by another in 5 s at most, and a bit.
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
 * Works while it holds the Lease, and waits while somebody else does, until the signal aborts; then it lets go, so that
 * another can take over at once. It never throws for what the API server says.
 * @param work told by its signal to end, when we are to stop or can no longer be sure to hold the Lease.
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

/** Takes the Lease as soon as nobody has it. @returns nothing when the signal aborts before. */
async function acquire(options: LeaseOptions, signal: AbortSignal): Promise<Lease | undefined> {
  const { duration, period } = options.times ?? TIMES;
  // Clocks of different machines differ, so what counts is for how long we have seen no sign of life.
  let seen = { version: '', silentMs: 0, lookedAt: performance.now() };
  while (!signal.aborted) {
    try {
      const current = await read(options, signal);
      const { resourceVersion: version } = current?.metadata ?? { resourceVersion: '' };
      seen = { version, silentMs: silence(seen, version, period), lookedAt: performance.now() };
      const holder = holderOf(current);
      const isFree = ['', options.identity].includes(holder) || seen.silentMs > duration;
      if (isFree) return await write(options, current, 'take', signal);
      options.standingBy(`standing by, ${holder} leads`);
    } catch (error) {
      options.standingBy(`standing by, no Lease: ${messageOf(error)}`);
    }
    await pause(period, signal);
  }
  return undefined;
}

/**
 * For how long a holder has been silent. Time in which we could not look says nothing of it, and where a look takes long, so does
 * its renewal: an API server that is short of time takes the Lease from nobody.
 */
function silence(
  seen: { version: string; silentMs: number; lookedAt: number },
  version: string,
  period: number,
): number {
  if (version !== seen.version) return 0;
  return seen.silentMs + Math.min(performance.now() - seen.lookedAt, 2 * period);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Renews while the work goes on. */
async function hold(
  taken: Lease,
  options: LeaseOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { period } = options.times ?? TIMES;
  const term = new AbortController();
  const ended = work(AbortSignal.any([signal, term.signal]));
  // It is awaited below; until then a failure is no rejection without a handler.
  ended.catch(() => {});
  let current = taken;
  for (;;) {
    await pause(period, signal);
    if (signal.aborted) break;
    const renewed = await renew(current, options, signal);
    if (renewed === 'lost') break;
    current = renewed;
  }
  // Nothing new is begun from here on, so another may begin before what we have at work has ended.
  term.abort();
  const deadline = AbortSignal.timeout(period);
  if (signal.aborted) await write(options, current, 'release', deadline).catch(() => {});
  await ended;
}

/**
 * An API server that is away takes the Lease from nobody: whoever has it works on. Only an answer can say that it is lost.
 * @returns the Lease as it is now.
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

/** Nobody, for one that was let go. */
const holderOf = (current: Lease | undefined): string => current?.spec.holderIdentity ?? '';

const pathOf = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

/** @returns nothing when there is none yet. */
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

/** @throws ClusterError of class `conflict` when somebody else wrote since it was read. */
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

/** Kubernetes counts them in 32 bits: the API server refuses what is beyond, so they begin again. */
const MOST_TRANSITIONS = 2 ** 31 - 1;

function transitionsAfter(current: Lease | undefined): number {
  if (current === undefined) return 0;
  const transitions = current.spec.leaseTransitions ?? 0;
  return transitions < MOST_TRANSITIONS ? transitions + 1 : 0;
}

/** Somebody else wrote it, made it or deleted it. */
const isConflict = (error: unknown): boolean => error instanceof ClusterError && error.class === 'conflict';

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
