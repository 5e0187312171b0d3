// The list-watch loop against the real API server, behind a proxy that misbehaves. The ids are those of the fault matrix.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Places } from '../../../functions/cluster/places.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import type { Change } from '../../../infra/forwarder/watch/known.ts';
import { websiteObserver } from '../../../infra/forwarder/watch/observers.ts';
import { watch } from '../../../infra/forwarder/watch/watch.ts';
import { eventually } from '../../eventually.ts';
import { faultProxy, type Fault, type FaultProxy } from '../../faults/proxy.ts';
import { createNamespace, createWebsite, patchWebsite, removeWebsite } from '../../real-cluster.ts';
import type { State, WatchOptions } from '../../../infra/forwarder/watch/state.ts';

const spec = { image: 'nginx:1', replicas: 0 };
const LIST = /websites\?(?!.*watch=1)/;
const WATCH = /watch=1/;

let admin: Transport;
let namespace: string;
let proxy: FaultProxy;
let transport: Transport;
let stop: AbortController;
let running: Promise<void>;
let changes: Change[];
let states: State[];
let delays: number[];
let resyncs: number;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());

beforeEach(async () => {
  namespace = await createNamespace(admin, 'watch');
  proxy = await faultProxy(inject('forwarderKubeconfig'));
  transport = await connect({ kubeconfig: proxy.kubeconfig });
  stop = new AbortController();
  [changes, states, delays, resyncs] = [[], [], [], 0];
});
afterEach(async () => {
  stop.abort();
  await running;
  await transport.close();
  await proxy.close();
});

const key = (name: string): WebsiteKey => ({ namespace, name });
/** The changes of this test's namespace, `kind name`: the cluster is everybody's. */
const told = () =>
  changes.filter((change) => change.key.namespace === namespace).map(({ kind, key: { name } }) => `${kind} ${name}`);
const isWatching = () => eventually(() => expect(proxy.requests.some((request) => WATCH.test(request))).toBe(true));
const pagesRead = () => proxy.requests.filter((request) => LIST.test(request)).length;
/** Others' Websites may make it several pages. */
const lists = () => proxy.requests.filter((request) => LIST.test(request) && !request.includes('continue=')).length;
const watches = () => proxy.requests.filter((request) => WATCH.test(request)).length;

function start(
  given: Partial<Pick<WatchOptions, 'silenceMs' | 'pageSize' | 'serverSeconds' | 'resource' | 'transport'>> = {},
): void {
  running = watch(
    {
      resource: { name: 'websites', prefix: '/apis/stable.example.com/v1' },
      transport,
      places: new Places(1),
      observer: websiteObserver({
        change: (change) => void changes.push(change),
        resync: () => void resyncs++,
        missed: () => {},
      }),
      // Waits are written down and not sat through.
      surroundings: {
        random: () => 0.5,
        wait: async (ms) => {
          delays.push(ms);
          await new Promise((resolve) => setImmediate(resolve));
        },
      },
      entered: (state) => void states.push(state),
      ...given,
    },
    stop.signal,
  );
}

describe('A watch', () => {
  it('tells of what is there, and of every change after', async () => {
    await createWebsite(admin, key('before'), spec);
    start();
    await isWatching();
    await createWebsite(admin, key('after'), spec);
    await patchWebsite(admin, key('before'), { spec: { replicas: 1 } });
    await removeWebsite(admin, key('after'));
    await eventually(() =>
      expect(told()).toEqual(['changed before', 'changed after', 'changed before', 'deleted after']),
    );
  });

  it('says nothing of a write to the status, and of a label', async () => {
    const website = await createWebsite(admin, key('quiet'), spec);
    start();
    await isWatching();
    const path = `/apis/stable.example.com/v1/namespaces/${namespace}/websites/quiet/status`;
    await admin.json({ method: 'PUT', path, what: 'write the status', body: { ...website, status: { replicas: 3 } } });
    await patchWebsite(admin, key('quiet'), { metadata: { labels: { team: 'a' } } });
    await eventually(() => expect(told()).toEqual(['changed quiet', 'changed quiet']));
  });

  it('asks for one resync for all that is settled, and for no event', async () => {
    for (const name of ['one', 'two', 'three']) {
      const website = await createWebsite(admin, key(name), spec);
      const ready = {
        type: 'Ready',
        status: 'True',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        reason: 'Parked',
        message: '',
      };
      const status = { observedGeneration: 1, conditions: [ready] };
      const path = `/apis/stable.example.com/v1/namespaces/${namespace}/websites/${name}/status`;
      await admin.json({ method: 'PUT', path, what: 'settle', body: { ...website, status } });
    }
    start();
    await isWatching();
    expect(told()).toEqual([]);
    expect(resyncs).toBe(1);
  });
});

describe('W1: a connection', () => {
  it.each<[string, Fault]>([
    ['that is cut in the middle of a line', { cutAfter: 700 }],
    ['that is broken before there is an answer', { drop: 'before' }],
    ['that goes silent while it stays open', { freeze: true }],
  ])('%s is made anew from the last version, and nothing is lost', async (_, fault) => {
    proxy.add({ path: WATCH, fault, times: 2 });
    start({ silenceMs: 300 });
    await isWatching();
    for (const name of ['a', 'b', 'c']) await createWebsite(admin, key(name), spec);
    await eventually(() => expect(told()).toEqual(['changed a', 'changed b', 'changed c']));
    await eventually(() => expect(watches()).toBeGreaterThanOrEqual(3));
    expect(lists()).toBe(1);
  });
});

describe('W2: an expired version', () => {
  it.each<[string, Fault]>([
    ['as a status', { answer: 410, reason: 'Expired' }],
    ['as an event', { line: '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}' }],
  ])('%s leads to a list, and what was deleted meanwhile is told', async (_, fault) => {
    await createWebsite(admin, key('kept'), spec);
    await createWebsite(admin, key('lost'), spec);
    await createWebsite(admin, key('replaced'), spec);
    start();
    await isWatching();
    // From here on the watch sees nothing until it lists.
    proxy.add({ path: WATCH, fault: { answer: 429, reason: 'TooManyRequests' }, times: 30 });
    proxy.add({ path: WATCH, fault, times: 1 });
    proxy.cutAll();
    await removeWebsite(admin, key('lost'));
    await removeWebsite(admin, key('replaced'));
    await createWebsite(admin, key('replaced'), spec);
    await createWebsite(admin, key('new'), spec);
    await eventually(() => expect(told()).toContain('deleted lost'));
    await eventually(() =>
      expect(told()).toEqual(expect.arrayContaining(['deleted replaced', 'changed replaced', 'changed new'])),
    );
    expect(told().lastIndexOf('changed replaced')).toBeGreaterThan(told().indexOf('deleted replaced'));
    expect(told()).not.toContain('deleted kept');
    expect(lists()).toBe(2);
  });
});

it('W3: a server that closes every watch at once is listed from again, with waits that grow', async () => {
  proxy.add({ path: WATCH, fault: { close: 'empty' }, times: 12 });
  start();
  await eventually(() => expect(delays).toEqual([100, 200, 400, 800]));
  expect(lists()).toBeGreaterThanOrEqual(4);
});

it.each([
  ['says that every version is expired', 'ERROR', { code: 410, reason: 'Expired' }],
  ['sends a bookmark and closes, every time,', 'BOOKMARK', { metadata: { resourceVersion: '1' } }],
])('W3: a server that %s is listed from again, with waits that grow', async (_, type, object) => {
  proxy.add({ path: WATCH, fault: { line: JSON.stringify({ type, object }) }, times: 12 });
  start();
  await eventually(() => expect(delays.slice(0, 4)).toEqual([100, 200, 400, 800]));
  expect(lists()).toBeGreaterThanOrEqual(4);
  await createWebsite(admin, key('there'), spec);
  await eventually(() => expect(told()).toContain('changed there'));
});

it('An ERROR event that asks for time is given it', async () => {
  const object = { kind: 'Status', code: 429, reason: 'TooManyRequests', details: { retryAfterSeconds: 7 } };
  proxy.add({ path: WATCH, fault: { line: JSON.stringify({ type: 'ERROR', object }) }, times: 1 });
  start();
  await eventually(() => expect(delays).toEqual([7_100]));
});

it('A watch that the server never closes is made anew from the last version, and nothing is lost', async () => {
  // The API server takes 0 seconds for its own choice, which is half an hour or more.
  start({ serverSeconds: { least: 0.4, most: 0.4 } });
  await isWatching();
  for (const name of ['a', 'b', 'c']) {
    const before = watches();
    await createWebsite(admin, key(name), spec);
    await eventually(() => expect(watches()).toBeGreaterThan(before));
  }
  await eventually(() => expect(told()).toEqual(['changed a', 'changed b', 'changed c']));
});

/** As the API server words it. */
const TOO_LARGE = {
  answer: 504,
  reason: 'Timeout',
  message: 'Timeout: Too large resource version: 100, current: 99',
} as const;

it('W6: an API server that is short of time is not asked for a list on top', async () => {
  start();
  await isWatching();
  // One failure more may come of the cut.
  proxy.add({ path: WATCH, fault: { answer: 504, reason: 'Timeout' }, times: 2 });
  const before = watches();
  proxy.cutAll();
  await eventually(() => expect(watches()).toBeGreaterThan(before + 2));
  await createWebsite(admin, key('there'), spec);
  await eventually(() => expect(told()).toEqual(['changed there']));
  expect(states.filter(({ name }) => name === 'listing')).toHaveLength(1);
});

describe('W6: an API server that answers', () => {
  const faults: [string, Fault, number][] = [
    ['401', { answer: 401, reason: 'Unauthorized' }, 6],
    ['403', { answer: 403, reason: 'Forbidden' }, 3],
    ['404, as without the CRD', { answer: 404, reason: 'NotFound' }, 3],
    ['429 with Retry-After', { answer: 429, reason: 'TooManyRequests', retryAfter: 7 }, 3],
    ['500', { answer: 500, reason: 'InternalError' }, 3],
    ['503', { answer: 503, reason: 'ServiceUnavailable' }, 3],
    ['504, as one that is short of time', { answer: 504, reason: 'Timeout' }, 3],
    ['504, as for a version from before a restore', TOO_LARGE, 3],
    ['nothing', { drop: 'before' }, 3],
  ];

  it.each(faults)('%s to a list is asked again until it answers', async (_, fault, times) => {
    proxy.add({ path: LIST, fault, times });
    await createWebsite(admin, key('there'), spec);
    start();
    await eventually(() => expect(told()).toEqual(['changed there']));
    expect(delays.length).toBeGreaterThanOrEqual(3);
    if ('retryAfter' in fault) expect(Math.min(...delays)).toBeGreaterThanOrEqual(7_000);
    expect(states).toContainEqual(
      expect.objectContaining({ name: 'waiting', why: expect.stringContaining('list websites') as string }),
    );
  });

  it.each(faults)('%s to a watch is asked again until it answers', async (_, fault, times) => {
    proxy.add({ path: WATCH, fault, times });
    start();
    await eventually(() => expect(watches()).toBeGreaterThan(times));
    await createWebsite(admin, key('there'), spec);
    await eventually(() => expect(told()).toEqual(['changed there']));
    expect(delays.length).toBeGreaterThanOrEqual(3);
  });
});

it('W7: an expired page starts the list again, and no false delete is told', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await createWebsite(admin, key(name), spec);
  start({ pageSize: 2 });
  await isWatching();
  proxy.add({ path: /continue=/, fault: { answer: 410, reason: 'Expired' }, times: 1 });
  proxy.add({ path: WATCH, fault: { answer: 410, reason: 'Expired' }, times: 1 });
  const before = pagesRead();
  proxy.cutAll();
  await eventually(() => expect(pagesRead()).toBeGreaterThan(before + 3));
  await eventually(() => expect(states.at(-1)).toMatchObject({ name: 'watching' }));
  expect(told().filter((change) => change.startsWith('deleted'))).toEqual([]);
});

it.each<[string, Fault, number]>([
  ['that is away for long', { drop: 'before' }, 4],
  ['that answers 503 for long', { answer: 503, reason: 'ServiceUnavailable' }, 4],
  ['that answers 504 for long', { answer: 504, reason: 'Timeout' }, 4],
  ['that has not come to our version', TOO_LARGE, 1],
])(
  'W10: an API server %s may have been put back to an older state, so it is listed from again',
  async (_, fault, times) => {
    start();
    await isWatching();
    proxy.add({ path: WATCH, fault, times });
    proxy.cutAll();
    await eventually(() => expect(states).toContainEqual({ name: 'listing', reason: 'outage' }));
    await eventually(() => expect(lists()).toBeGreaterThanOrEqual(2));
  },
);

it('W10: a version older than one before it leads to a list', async () => {
  const object = { metadata: { namespace, name: 'ghost', uid: 'u', resourceVersion: '1' } };
  proxy.add({ path: WATCH, fault: { line: JSON.stringify({ type: 'DELETED', object }) }, times: 1 });
  start();
  await eventually(() => expect(states).toContainEqual({ name: 'listing', reason: 'went-backwards' }));
  expect(told()).toEqual([]);
});

it('A line that is not JSON leads to a list', async () => {
  proxy.add({ path: WATCH, fault: { line: '{"type":"ADDED","object":' }, times: 1 });
  start();
  await eventually(() => expect(lists()).toBeGreaterThanOrEqual(2));
  expect(states).toContainEqual({ name: 'listing', reason: 'unreadable' });
  await createWebsite(admin, key('there'), spec);
  await eventually(() => expect(told()).toEqual(['changed there']));
});

it('An ERROR event that is not about the version is waited out', async () => {
  proxy.add({
    path: WATCH,
    fault: { line: '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError"}}' },
    times: 2,
  });
  start();
  await eventually(() => expect(watches()).toBeGreaterThanOrEqual(3));
  expect(delays).toHaveLength(2);
  expect(lists()).toBe(1);
});

describe('An API that the cluster does not have', () => {
  const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const group = () => `${namespace}.example.com`;
  const things = (isOptional: boolean) => ({ name: 'things', prefix: `/apis/${group()}/v1`, isOptional });
  const post = (path: string, body: object) => admin.json({ method: 'POST', path, what: `create ${path}`, body });

  async function install(): Promise<void> {
    const schema = { openAPIV3Schema: { type: 'object' } };
    await post(CRDS, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `things.${group()}` },
      spec: {
        group: group(),
        scope: 'Namespaced',
        names: { kind: 'Thing', plural: 'things' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
  }

  it('is no trouble if it is optional: the watch looks for it now and then, and finds it', async () => {
    start({ transport: admin, resource: things(true) });
    await eventually(() => expect(states.filter(({ name }) => name === 'absent').length).toBeGreaterThan(2));
    expect(states.map(({ name }) => name)).not.toContain('waiting');
    for (const delay of delays) expect(delay).toBe(37_500);
    await install();
    await eventually(() => expect(states.at(-1)).toMatchObject({ name: 'watching' }));
    expect(states.at(-2)).toEqual({ name: 'listing', reason: 'absent' });
    const thing = { apiVersion: `${group()}/v1`, kind: 'Thing', metadata: { name: 'a' } };
    await post(`/apis/${group()}/v1/namespaces/${namespace}/things`, thing);
    await eventually(() => expect(told()).toEqual(['changed a']));
    await admin.json({ method: 'DELETE', path: `${CRDS}/things.${group()}`, what: 'delete the CRD' });
    await eventually(() => expect(told()).toContain('deleted a'));
    const lastOf = (state: string) => states.findLastIndex(({ name }) => name === state);
    await eventually(() => expect(lastOf('absent')).toBeGreaterThan(lastOf('watching')));
  });

  it('is trouble if it is not', async () => {
    start({ transport: admin, resource: things(false) });
    await eventually(() => expect(states.filter(({ name }) => name === 'waiting').length).toBeGreaterThan(2));
    expect(states.map(({ name }) => name)).not.toContain('absent');
  });
});
