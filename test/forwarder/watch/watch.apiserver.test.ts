// The list-watch loop against the real API server, behind a proxy that injects faults.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import { Places } from '../../../functions/cluster/places.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import type { Change } from '../../../infra/forwarder/watch/change.ts';
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
/** The changes of this test's namespace, as `kind name`. Other tests use the same cluster. */
const told = () =>
  changes.filter((change) => change.key.namespace === namespace).map(({ kind, key: { name } }) => `${kind} ${name}`);
const isWatching = () => eventually(() => expect(proxy.requests.some((request) => WATCH.test(request))).toBe(true));
const pagesRead = () => proxy.requests.filter((request) => LIST.test(request)).length;
/** Counts lists, not pages: with the Websites of other tests, a list may take several pages. */
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
      // Waits are recorded, and take no time.
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
  it('reports each existing object and every later change', async () => {
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

  it('reports a changed label, and no status write of the functions', async () => {
    const website = await createWebsite(admin, key('quiet'), spec);
    start();
    await isWatching();
    const status = { observedGeneration: 1, conditions: [], replicas: 3 };
    await kubernetes(admin).updateStatus({ ...website, status });
    await patchWebsite(admin, key('quiet'), { metadata: { labels: { team: 'a' } } });
    await createWebsite(admin, key('end'), spec);
    await eventually(() => expect(told()).toEqual(['changed quiet', 'changed quiet', 'changed end']));
  });

  it('asks for one resync for all settled Websites, and reports none of them', async () => {
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

describe('A watch connection', () => {
  it.each<[string, Fault]>([
    ['that is cut in the middle of a line', { cutAfter: 700 }],
    ['that breaks before the answer', { drop: 'before' }],
    ['that stays open but silent', { freeze: true }],
  ])('%s is resumed from the last version without losing a change', async (_, fault) => {
    proxy.add({ path: WATCH, fault, times: 2 });
    // A busy API server may take some time to open a watch, and four failures in a row lead to a list.
    start({ silenceMs: 1_000 });
    await isWatching();
    for (const name of ['a', 'b', 'c']) await createWebsite(admin, key(name), spec);
    await eventually(() => expect(told()).toEqual(['changed a', 'changed b', 'changed c']));
    await eventually(() => expect(watches()).toBeGreaterThanOrEqual(3));
    expect(lists()).toBe(1);
  });
});

describe('An expired version, reported', () => {
  it.each<[string, Fault]>([
    ['as an HTTP status', { answer: 410, reason: 'Expired' }],
    ['as an event', { line: '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}' }],
  ])('%s, leads to a list that finds the deletions in between', async (_, fault) => {
    await createWebsite(admin, key('kept'), spec);
    await createWebsite(admin, key('lost'), spec);
    await createWebsite(admin, key('replaced'), spec);
    start();
    await isWatching();
    // From here on, the watch sees no change until it lists.
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

it('The watch lists again, with growing waits, from a server that closes every watch at once', async () => {
  proxy.add({ path: WATCH, fault: { close: 'empty' }, times: 12 });
  start();
  await eventually(() => expect(delays).toEqual([100, 200, 400, 800]));
  expect(lists()).toBeGreaterThanOrEqual(4);
});

it.each([
  ['reports every version as expired', 'ERROR', { code: 410, reason: 'Expired' }],
  ['closes every watch after one bookmark', 'BOOKMARK', { metadata: { resourceVersion: '1' } }],
])('The watch lists again, with growing waits, from a server that %s', async (_, type, object) => {
  proxy.add({ path: WATCH, fault: { line: JSON.stringify({ type, object }) }, times: 12 });
  start();
  await eventually(() => expect(delays.slice(0, 4)).toEqual([100, 200, 400, 800]));
  expect(lists()).toBeGreaterThanOrEqual(4);
  await createWebsite(admin, key('there'), spec);
  await eventually(() => expect(told()).toContain('changed there'));
});

it('An ERROR event with a retry time delays the next request by that time', async () => {
  const object = { kind: 'Status', code: 429, reason: 'TooManyRequests', details: { retryAfterSeconds: 7 } };
  proxy.add({ path: WATCH, fault: { line: JSON.stringify({ type: 'ERROR', object }) }, times: 1 });
  start();
  await eventually(() => expect(delays).toEqual([7_100]));
});

it('A watch that the server closes in time is resumed from the last version without losing a change', async () => {
  // The API server reads 0 seconds as its own default, which is half an hour or more.
  start({ serverSeconds: { least: 0.4, most: 0.4 } });
  await isWatching();
  for (const name of ['a', 'b', 'c']) {
    const before = watches();
    await createWebsite(admin, key(name), spec);
    await eventually(() => expect(watches()).toBeGreaterThan(before));
  }
  await eventually(() => expect(told()).toEqual(['changed a', 'changed b', 'changed c']));
});

/** The API server's own wording. */
const TOO_LARGE = {
  answer: 504,
  reason: 'Timeout',
  message: 'Timeout: Too large resource version: 100, current: 99',
} as const;

it('The watch does not list again when an API server out of time answers 504 to a watch', async () => {
  start();
  await isWatching();
  // The cut itself may cause one more failure.
  proxy.add({ path: WATCH, fault: { answer: 504, reason: 'Timeout' }, times: 2 });
  const before = watches();
  proxy.cutAll();
  await eventually(() => expect(watches()).toBeGreaterThan(before + 2));
  await createWebsite(admin, key('there'), spec);
  await eventually(() => expect(told()).toEqual(['changed there']));
  expect(states.filter(({ name }) => name === 'listing')).toHaveLength(1);
});

describe('An API server that answers', () => {
  const faults: [string, Fault, number][] = [
    ['401', { answer: 401, reason: 'Unauthorized' }, 6],
    ['403', { answer: 403, reason: 'Forbidden' }, 3],
    ['404, because the CRD is missing', { answer: 404, reason: 'NotFound' }, 3],
    ['429 with Retry-After', { answer: 429, reason: 'TooManyRequests', retryAfter: 7 }, 3],
    ['500', { answer: 500, reason: 'InternalError' }, 3],
    ['503', { answer: 503, reason: 'ServiceUnavailable' }, 3],
    ['504, because it is out of time', { answer: 504, reason: 'Timeout' }, 3],
    ['504, because the version is newer than its restored data', TOO_LARGE, 3],
    ['with a closed connection', { drop: 'before' }, 3],
  ];

  it.each(faults)('%s to a list is asked again until it succeeds', async (_, fault, times) => {
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

  it.each(faults)('%s to a watch is asked again until it succeeds', async (_, fault, times) => {
    proxy.add({ path: WATCH, fault, times });
    start();
    await eventually(() => expect(watches()).toBeGreaterThan(times));
    await createWebsite(admin, key('there'), spec);
    await eventually(() => expect(told()).toEqual(['changed there']));
    expect(delays.length).toBeGreaterThanOrEqual(3);
  });
});

it('An expired page restarts the list, and no deletion is reported by mistake', async () => {
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
  ['was unreachable for long', { drop: 'before' }, 4],
  ['answered 503 for long', { answer: 503, reason: 'ServiceUnavailable' }, 4],
  ['answered 504 for long', { answer: 504, reason: 'Timeout' }, 4],
  ['does not know our version yet', TOO_LARGE, 1],
])(
  'The watch lists again after an API server %s, because it may have been restored to an older state',
  async (_, fault, times) => {
    start();
    await isWatching();
    proxy.add({ path: WATCH, fault, times });
    proxy.cutAll();
    await eventually(() => expect(states).toContainEqual({ name: 'listing', reason: 'outage' }));
    await eventually(() => expect(lists()).toBeGreaterThanOrEqual(2));
  },
);

it('An event with a version older than the last one leads to a list', async () => {
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

it('An ERROR event about another problem delays the watch, which then resumes without a list', async () => {
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

describe('An API that the cluster lacks', () => {
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

  it('is no problem if it is optional: the watch looks for it regularly, and finds it', async () => {
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

  it('is a problem if it is required', async () => {
    start({ transport: admin, resource: things(false) });
    await eventually(() => expect(states.filter(({ name }) => name === 'waiting').length).toBeGreaterThan(2));
    expect(states.map(({ name }) => name)).not.toContain('absent');
  });
});
