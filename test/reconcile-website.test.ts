// The content of an event decides only how much the functions read.
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Thinned } from '../functions/telemetry/thinned.ts';
import { oneCluster } from '../functions/clusters.ts';
import { keeping, KeptChildren } from '../functions/cluster/kept-children.ts';
import { Places } from '../functions/cluster/places.ts';
import type { FunctionContext } from '../functions/context.ts';
import { reconcileEvent, reconcileWebsite } from '../functions/reconcile-website.ts';
import type { EventData } from '../functions/events/website-event.ts';
import { reconcile } from '../functions/website/reconcile.ts';
import { around } from './cluster/around.ts';
import { MemoryCluster } from './cluster/memory.ts';
import { NOW, SPEC } from './fixtures/websites.ts';
import { ClusterError, type ErrorCode } from '../functions/cluster/errors.ts';
import { CHILD_KINDS, OPTIONAL_KINDS, type Child } from '../functions/website/children/kinds.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let cluster: MemoryCluster;
let read: string[];
beforeEach(async () => {
  cluster = new MemoryCluster();
  cluster.apply(key, { ...SPEC, disruptionBudget: 'Auto', host: 'a.example.com' });
  const context = { cluster, now: () => NOW };
  await reconcile(key, context);
  cluster.rollOut();
  await reconcile(key, context);
  read = [];
  const getChild = cluster.getChild.bind(cluster);
  cluster.getChild = async (kind, where) => {
    read.push(kind);
    return getChild(kind, where);
  };
});

const contextOf = (log: FunctionContext['log']): FunctionContext => ({
  clusters: oneCluster(cluster),
  log,
  thinned: new Thinned(log),
  now: () => NOW,
  places: new Places(1),
  config: { clusterName: undefined, replyEvents: false, webhookAllowedOrigins: [] },
});

it.each([
  ['of unknown types', { type: 'other' }, 'type', 'info'],
  ['of unknown clusters', { source: 'other' }, 'source', 'warn'],
  ['of other namespaces', {}, 'subject', 'info'],
] as const)('Of many events %s, the log has the first 20 and one every 5 seconds', async (_, given, varied, level) => {
  const lines: { readonly level: string; readonly leftOut?: number }[] = [];
  const at = (name: string) => (fields: object) => void lines.push({ level: name, ...fields });
  const context = contextOf({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') });
  const clusters = { ...context.clusters, of: () => ('source' in given ? undefined : context.clusters.all[0]) };
  const config = { ...context.config, namespaces: ['none'] };
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason: 'child-drifted' };
  const event = { specversion: '1.0', source: '/x', type: 'com.example.stable.website.drifted', data };
  const send = (each: number) =>
    reconcileEvent({ ...event, id: String(each), [varied]: `other-${each}` }, { ...context, clusters, config });
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  for (let each = 0; each < 150; each++) await send(each);
  expect(lines.map((line) => line.level)).toEqual([...Array(20).fill(level), ...Array(130).fill('debug')]);
  vi.advanceTimersByTime(5_000);
  await send(150);
  expect(lines.at(-1)).toMatchObject({ level, eventId: '150', leftOut: 130 });
});

const ALL = CHILD_KINDS.toSorted();
const OPTIONAL = OPTIONAL_KINDS.map(({ kind }) => kind);
/** The optional children of this Website, which its Deployment lists. */
const LISTED = ['Ingress', 'PodDisruptionBudget'];
const AS_NEEDED = ['Deployment', ...LISTED, 'Service'];

it.each(['com.example.stable.website.drifted', 'com.example.other'])(
  'The log quotes only the beginning of a long id of an event of type %s',
  async (type) => {
    const lines: object[] = [];
    const write = (fields: object) => void lines.push(fields);
    const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason: 'child-drifted' };
    const event = { specversion: '1.0', id: 'x'.repeat(250_000), source: '/x', type, data };
    const context = contextOf({ debug: write, info: write, warn: write, error: write });
    expect(await reconcileEvent(event, context)).toMatchObject({ status: 204 });
    expect(lines).toMatchObject([{ eventId: expect.stringMatching(/^x{125}…$/) as string }]);
    expect(JSON.stringify(lines).length).toBeLessThan(1_000);
  },
);

it.each<[string, Partial<EventData>, readonly string[]]>([
  ['an unnamed object', {}, AS_NEEDED],
  ['the Deployment', { changed: ['Deployment'], childKind: 'Deployment' }, ['Deployment']],
  ['the Deployment and perhaps others', { childKind: 'Deployment' }, AS_NEEDED],
  ['the Website', { changed: ['Website'], reason: 'spec-changed' }, ['Deployment']],
  ['the Website and the Deployment', { changed: ['Website', 'Deployment'] }, ['Deployment']],
  ['the Service', { changed: ['Service'], childKind: 'Service' }, AS_NEEDED],
  ['the Service and the Deployment', { changed: ['Service', 'Deployment'], childKind: 'Deployment' }, AS_NEEDED],
  ['an unknown kind', { childKind: 'TCPRoute' as never }, ALL],
  ['the Deployment, for an unknown reason', { changed: ['Deployment'], reason: 'moved' as never }, ALL],
  ...OPTIONAL.map((kind): [string, Partial<EventData>, readonly string[]] => [
    kind,
    { changed: [kind], childKind: kind },
    ALL,
  ]),
])(
  'The functions read only the children that an event requires if it reports a change of %s',
  async (_, told, kinds) => {
    const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason: 'child-drifted' };
    const event = { specversion: '1.0', id: '1', source: '/x', type: 'com.example.stable.website.drifted' };
    expect(await reconcileEvent({ ...event, data: { ...data, ...told } }, contextOf(SILENT))).toMatchObject({
      status: 204,
    });
    expect(read.toSorted()).toEqual(kinds);
  },
);

it('After a change of the spec, a process does not read the Deployment that it wrote last, if the event names its version', async () => {
  const kept = new KeptChildren();
  const clusters = oneCluster(keeping(around(cluster), kept), undefined, kept);
  const context = { ...contextOf(SILENT), clusters };
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason: 'spec-changed' };
  const about = { changed: ['Website'], resourceVersion: '1' };
  const type = 'com.example.stable.website.changed';
  const send = async (image: string, versions?: unknown) => {
    cluster.apply(key, { ...SPEC, image, disruptionBudget: 'Auto', host: 'a.example.com' });
    read.length = 0;
    const event = { specversion: '1.0', id: '1', source: '/x', type, data: { ...data, ...about, versions } };
    expect(await reconcileEvent(event, context)).toMatchObject({ status: 204 });
    expect(JSON.stringify(deployment())).toContain(image);
    return read.toSorted();
  };
  const deployment = () => cluster.children().find(({ kind }) => kind === 'Deployment');
  expect(await send('nginx:2')).toEqual(['Deployment']);
  expect(await send('nginx:3', { Deployment: deployment()?.metadata.resourceVersion })).toEqual([]);
  expect(await send('nginx:4')).toEqual(['Deployment']);
});

it('The log says why a status does not say what it should, and nothing of one that does', async () => {
  const lines: unknown[] = [];
  const at = (level: string) => (fields: object, message?: string) => lines.push([level, message, fields]);
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason: 'child-drifted' };
  const event = { specversion: '1.0', id: '1', source: '/x', type: 'com.example.stable.website.drifted', data };
  const send = () =>
    reconcileEvent(event, contextOf({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }));
  expect(await send()).toMatchObject({ status: 204 });
  cluster.edit(cluster.children()[0] as Child, { status: {} });
  cluster.updateStatus = async () => Promise.reject(new ClusterError('PolicyDenied', 'not today'));
  expect(await send()).toMatchObject({ status: 204, headers: { 'website-outcome': 'stalled' } });
  expect(lines).toMatchObject([
    ['info', 'Reconciled Website', key],
    ['info', 'Reconciled Website', { reason: 'Rejected' }],
    [
      'warn',
      'The status is out of date',
      { ...key, error: expect.stringContaining('(Rejected): not today') as string },
    ],
  ]);
});

describe('If a child cannot be written, and neither can the status that should say so', () => {
  const NAME = 'a child that fails';
  const FULL = { ...SPEC, disruptionBudget: 'Auto', host: 'a.example.com' };
  it.each<[string, ErrorCode, () => void]>([
    ['after the child', 'InternalError', () => cluster.remove('Service', { ...key, name: 'shop-service' })],
    // The Deployment and the status are written at the same time, and no other status says that the API server is away.
    ['with the Deployment', 'Unavailable', () => cluster.apply(key, { ...FULL, image: 'nginx:2' })],
  ])('the log says both, for a status that is written %s', async (_, code, change) => {
    const warned: unknown[] = [];
    const warn = (fields: object, message?: string) => warned.push([message, fields]);
    const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason: 'child-drifted' };
    const event = { specversion: '1.0', id: '1', source: '/x', type: 'com.example.stable.website.drifted', data };
    await reconcileEvent(event, contextOf(SILENT));
    cluster.rollOut();
    await reconcileEvent(event, contextOf(SILENT));
    change();
    cluster.replace = async () => Promise.reject(new ClusterError(code, NAME));
    cluster.create = async () => Promise.reject(new ClusterError(code, NAME));
    cluster.updateStatus = async () => Promise.reject(new ClusterError('PolicyDenied', 'not today'));
    expect(await reconcileEvent(event, contextOf({ ...SILENT, warn }))).toMatchObject({ status: 503 });
    expect(warned).toEqual([
      ['Could not reconcile Website', expect.objectContaining({ code, error: NAME })],
      [
        'The status is out of date',
        expect.objectContaining({ ...key, error: expect.stringContaining('(Rejected): not today') as string }),
      ],
    ]);
  });
});

it.each([
  ['a race that was lost, which a retry settles, as information', 'Conflict', 'info'],
  ['another refusal as a warning', 'Unavailable', 'warn'],
] as const)('The log has %s', async (_, code, level) => {
  const lines: unknown[] = [];
  const at = (name: string) => (fields: object, message?: string) => lines.push([name, fields, message]);
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason: 'child-drifted' };
  const event = { specversion: '1.0', id: '1', source: '/x', type: 'com.example.stable.website.drifted', data };
  cluster.edit(cluster.children()[0] as Child, { status: {} });
  cluster.updateStatus = async () => Promise.reject(new ClusterError(code, 'refused'));
  const context = contextOf({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') });
  expect(await reconcileEvent(event, context)).toMatchObject({ status: 503 });
  expect(lines).toEqual([[level, expect.objectContaining({ code, error: 'refused' }), 'Could not reconcile Website']]);
});

it('Answers a method other than POST with a problem that names the right one', async () => {
  const reply = await reconcileWebsite({ method: 'PUT', headers: {}, body: '' }, contextOf(SILENT));
  expect(reply).toMatchObject({
    status: 405,
    headers: { 'content-type': 'application/problem+json', allow: 'POST, OPTIONS' },
  });
});
