// Leader election with a Lease on the real API server.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { lead } from '../../infra/forwarder/lease.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type FaultProxy } from '../faults/proxy.ts';
import { createNamespace, patch } from '../real-cluster.ts';

const TIMES = { duration: 1_000, period: 100 };
const LEASES = /\/leases/;

let admin: Transport;
let namespace: string;
let leading: Set<string>;
let history: string[];
let reasons: Map<string, string>;
let candidates: { stop(): Promise<void> }[];
let proxies: FaultProxy[];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  namespace = await createNamespace(admin, 'lease');
  [leading, history, reasons, candidates, proxies] = [new Set(), [], new Map(), [], []];
});
afterEach(async () => {
  await Promise.all(candidates.map((each) => each.stop()));
  await Promise.all(proxies.map((each) => each.close()));
});

/** A candidate for the leadership, behind a proxy of its own. */
async function candidate(identity: string, times = TIMES) {
  const proxy = await faultProxy(inject('kubeconfig'));
  proxies.push(proxy);
  const transport = await connect({ kubeconfig: proxy.kubeconfig });
  const stopping = new AbortController();
  const onStandby = (why: string) => void reasons.set(identity, why);
  const ended = lead(
    { transport, namespace, name: 'forwarder', identity, onStandby, times },
    stopping.signal,
    async (signal) => {
      leading.add(identity);
      history.push(identity);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      leading.delete(identity);
    },
  );
  const stop = async () => {
    stopping.abort();
    await ended;
    await transport.close();
  };
  candidates.push({ stop });
  return { proxy, stop };
}

const path = () => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/forwarder`;
const spec = async () =>
  ((await admin.json({ method: 'GET', path: path(), what: 'get the Lease' })) as { spec: Record<string, unknown> })
    .spec;
const leads = (identity: string) => eventually(() => expect([...leading]).toEqual([identity]));

it('One candidate leads, and the other stands by and names the leader', async () => {
  await candidate('a');
  await leads('a');
  await candidate('b');
  await eventually(() => expect(reasons.get('b')).toBe('standing by: a is leading'));
  expect(await spec()).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 1, leaseTransitions: 0 });
  await eventually(async () => expect((await spec())['renewTime']).not.toBe((await spec())['acquireTime']));
  expect([...leading]).toEqual(['a']);
});

it('Of many candidates that start at once, one leads', async () => {
  await Promise.all(['a', 'b', 'c', 'd'].map((identity) => candidate(identity)));
  await eventually(() => expect(reasons.size).toBeGreaterThanOrEqual(3));
  await eventually(async () => expect([...leading]).toEqual([(await spec())['holderIdentity']]));
  expect(history).toHaveLength(1);
});

/** A Lease that is not released does not expire within a test. */
const LONG = { duration: 120_000, period: 5_000 };

it('A leader that is stopped releases the Lease at once', async () => {
  const { stop } = await candidate('a', LONG);
  await leads('a');
  await stop();
  expect(await spec()).toMatchObject({ holderIdentity: '' });
  await candidate('b');
  await leads('b');
  expect(await spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
});

it('A leader that is stopped releases the Lease even if the answer to its last renewal was lost', async () => {
  const { proxy, stop } = await candidate('a', { ...LONG, period: 1_000 });
  await leads('a');
  proxy.add({ method: 'PUT', path: LEASES, fault: { drop: 'answer' }, times: 1 });
  const { renewTime } = await spec();
  await eventually(async () => expect((await spec())['renewTime']).not.toBe(renewTime));
  await stop();
  expect(await spec()).toMatchObject({ holderIdentity: '' });
});

it('A candidate takes a Lease whose count of transitions is at its maximum', async () => {
  const { stop } = await candidate('a');
  await leads('a');
  await stop();
  await patch(admin, path(), { spec: { leaseTransitions: 2 ** 31 - 1 } });
  await candidate('b');
  await leads('b');
  expect(await spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 0 });
});

it('Another candidate replaces a leader that cannot reach the API server, and the old leader stands by afterwards', async () => {
  const { proxy } = await candidate('a');
  await leads('a');
  await candidate('b');
  proxy.add({ path: LEASES, fault: { drop: 'before' }, times: 40 });
  // The old leader cannot know about the new one. Both lead for a moment, which does no harm.
  await eventually(() => expect(history).toEqual(['a', 'b']));
  await leads('b');
  await eventually(() => expect(reasons.get('a')).toBe('standing by: b is leading'));
});

describe('The leader keeps leading', () => {
  it.each([
    ['cannot be reached', { drop: 'before' }],
    ['answers 503', { answer: 503, reason: 'ServiceUnavailable' }],
    ['answers 429', { answer: 429, reason: 'TooManyRequests' }],
    ['stores the renewal but the answer is lost', { drop: 'answer' }],
  ] as const)('while the API server %s', async (_, fault) => {
    const { proxy } = await candidate('a');
    await leads('a');
    const before = proxy.requests.length;
    // Longer than the Lease lasts.
    proxy.add({ method: 'PUT', path: LEASES, fault, times: 15 });
    await eventually(() => expect(proxy.requests.length).toBeGreaterThan(before + 20));
    expect(history).toEqual(['a']);
    expect([...leading]).toEqual(['a']);
  });

  it('while renewals and reads take longer than the Lease lasts', async () => {
    const { proxy } = await candidate('a');
    await leads('a');
    const other = await candidate('b');
    await eventually(() => expect(reasons.get('b')).toBe('standing by: a is leading'));
    const looks = () => other.proxy.requests.length;
    for (const each of [proxy, other.proxy]) each.add({ path: LEASES, fault: { delayMs: 1_500 } });
    const before = looks();
    await eventually(() => expect(looks()).toBeGreaterThan(before + 8));
    expect(history).toEqual(['a']);
    expect([...leading]).toEqual(['a']);
  });

  it('after somebody edited the Lease but not its holder', async () => {
    await candidate('a');
    await leads('a');
    await patch(admin, path(), { metadata: { labels: { seen: 'yes' } } });
    const { renewTime } = (await spec()) as { renewTime: string };
    await eventually(async () => expect((await spec())['renewTime']).not.toBe(renewTime));
    expect(history).toEqual(['a']);
  });
});

it.each([
  ['loses the right to write the Lease', { answer: 403, reason: 'Forbidden' }],
  ['is no longer authenticated', { answer: 401, reason: 'Unauthorized' }],
] as const)('A leader that %s stands by, and leads again once it may', async (_, fault) => {
  const { proxy } = await candidate('a');
  await leads('a');
  proxy.add({ method: 'PUT', path: LEASES, fault, times: 8 });
  await eventually(() => expect(reasons.get('a')).toContain('standing by: could not take the Lease'));
  await eventually(() => expect(history).toEqual(['a', 'a']));
});

it('One candidate creates a deleted Lease again', async () => {
  await candidate('a');
  await leads('a');
  await candidate('b');
  await admin.json({ method: 'DELETE', path: path(), what: 'delete the Lease' });
  await eventually(async () => expect([...leading]).toEqual([(await spec())['holderIdentity']]));
});
