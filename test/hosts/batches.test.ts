// Limits of one request: the size of a batch, and how much of it is worked on at once.
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { EVENT_TYPES } from '../../functions/events/website-event.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type FaultProxy } from '../faults/proxy.ts';
import { startFunctions, startProgram, type Program } from '../program.ts';

const BATCH = { 'content-type': 'application/cloudevents-batch+json' };
const LISTS = 'GET /apis/stable.example.com/v1/websites';

describe.each([
  ['the Node host', startFunctions],
  ['the Azure host', (settings: Record<string, string>) => startProgram('test/hosts/azure-worker.ts', [], settings)],
])('On %s', (_, start) => {
  let proxy: FaultProxy;
  let program: Program;
  let url: string;

  beforeAll(async () => {
    proxy = await faultProxy(inject('functionsKubeconfig'));
    program = start({ KUBECONFIG: proxy.kubeconfig, MAX_CONCURRENT: '3', RESYNC_INTERVAL_SECONDS: '0' });
    url = String((await program.line('Listening'))['url']);
  });
  afterEach(() => proxy.heal());
  afterAll(async () => {
    await program.stop();
    await proxy.close();
  });

  const eventFor = (name: string, type: string = EVENT_TYPES.changed, reason = 'retry') => ({
    id: '1',
    specversion: '1.0',
    source: '/x',
    type,
    data: {
      apiVersion: 'stable.example.com/v1',
      kind: 'Website',
      namespace: 'default',
      name,
      uid: 'x',
      reason,
    },
  });
  const post = (body: unknown) => fetch(url, { method: 'POST', headers: BATCH, body: JSON.stringify(body) });
  const listed = () => proxy.requests.filter((request) => request.startsWith(LISTS)).length;

  it.each([
    ['numbers', Array.from({ length: 131_000 }, () => 1)],
    ['events', Array.from({ length: 101 }, () => eventFor('missing', 'of no interest'))],
  ])('a batch of too many %s is refused with a short message', async (__, batch) => {
    const response = await post(batch);
    const text = await response.text();
    expect([response.status, response.headers.get('content-type')]).toEqual([413, 'application/problem+json']);
    expect(JSON.parse(text)).toMatchObject({ detail: `The batch has ${batch.length} events: send 100 at most` });
    expect(text.length).toBeLessThan(300);
  });

  it('a batch of 100 events is accepted, and at most MAX_CONCURRENT of them are worked on at once', async () => {
    proxy.requests.length = 0;
    proxy.add({ path: /websites\/missing/, fault: { freeze: true } });
    // A deletion is believed without a request. Requests for all of them would take a slow machine longer than an event may take.
    const events = Array.from({ length: 100 }, (__, index) =>
      index < 10 ? eventFor(`missing-${index}`) : eventFor(`deleted-${index}`, EVENT_TYPES.deleted, 'deleted'),
    );
    const answer = post(events);
    const asked = () =>
      new Set(proxy.requests.map((request) => /websites\/(missing-\d+)/.exec(request)?.[1]).filter(Boolean)).size;
    await eventually(() => expect(asked()).toBe(3));
    proxy.heal();
    const replies = (await (await answer).json()) as { status: number }[];
    expect(replies).toHaveLength(100);
    expect(asked()).toBe(10);
  });

  it('100 requests for a resync in a batch lead to two resyncs', async () => {
    proxy.requests.length = 0;
    const response = await post(Array.from({ length: 100 }, () => eventFor('x', EVENT_TYPES.resync)));
    const replies = (await response.json()) as { headers: Record<string, string> }[];
    expect(response.status).toBe(200);
    expect(new Set(replies.map(({ headers }) => headers['website-outcome']))).toEqual(new Set(['resynced']));
    expect(listed()).toBe(2);
  });
});

it('The Node host answers a request for a resync with a resync that starts after the request', async () => {
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  const program = startFunctions({ KUBECONFIG: proxy.kubeconfig, RESYNC_INTERVAL_SECONDS: '0' });
  const url = new URL('resync', String((await program.line('Listening'))['url']));
  const ask = () => fetch(url, { method: 'POST' });
  const listed = () => proxy.requests.filter((request) => request.startsWith(LISTS)).length;
  proxy.add({ path: /\/websites/, fault: { freeze: true } });
  const running = ask();
  await eventually(() => expect(listed()).toBe(1));
  const later = [ask(), ask(), ask(), ask(), ask()];
  proxy.heal();
  const statuses = await Promise.all([running, ...later].map(async (each) => (await each).status));
  expect(statuses.slice(1)).toEqual([204, 204, 204, 204, 204]);
  expect(listed()).toBeGreaterThanOrEqual(2);
  expect(listed()).toBeLessThanOrEqual(3);
  await program.stop();
  await proxy.close();
});
