// What an event says decides how much is read, and nothing else.
import { beforeEach, expect, it } from 'vitest';
import { oneCluster } from '../functions/clusters.ts';
import type { FunctionContext } from '../functions/context.ts';
import { reconcileEvent } from '../functions/reconcile-website.ts';
import type { EventData } from '../functions/website/event.ts';
import { reconcile } from '../functions/website/reconcile.ts';
import { MemoryCluster } from './cluster/memory.ts';
import { NOW, SPEC } from './fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SILENT = { info: () => {}, warn: () => {}, error: () => {} };

let cluster: MemoryCluster;
let read: string[];
beforeEach(async () => {
  cluster = new MemoryCluster();
  cluster.apply(key, { ...SPEC, host: 'a.example.com' });
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

const ALL = ['Deployment', 'Ingress', 'Service'];

it.each<[string, Partial<EventData>, readonly string[]]>([
  ['nothing more', {}, ALL],
  ['the Deployment', { changed: ['Deployment'], childKind: 'Deployment' }, ['Deployment']],
  ['the Deployment last', { childKind: 'Deployment' }, ALL],
  ['the Website', { changed: ['Website'], reason: 'spec-changed' }, ['Deployment', 'Ingress']],
  ['the Website and the Deployment', { changed: ['Website', 'Deployment'] }, ['Deployment', 'Ingress']],
  ['the Service', { changed: ['Service'], childKind: 'Service' }, ALL],
  ['the Service and the Deployment', { changed: ['Service', 'Deployment'], childKind: 'Deployment' }, ALL],
  ['the Ingress', { changed: ['Ingress'], childKind: 'Ingress' }, ALL],
])('An event that tells of %s', async (_, told, kinds) => {
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'u', reason: 'child-drifted' };
  const event = { specversion: '1.0', id: '1', source: '/x', type: 'com.example.stable.website.drifted' };
  const context: FunctionContext = {
    clusters: oneCluster(cluster),
    log: SILENT,
    now: () => NOW,
    config: { clusterName: undefined, replyEvents: false, webhookAllowedOrigins: [] },
  };
  expect(await reconcileEvent({ ...event, data: { ...data, ...told } }, context)).toMatchObject({ status: 204 });
  expect(read.toSorted()).toEqual(kinds);
});
