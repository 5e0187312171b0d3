// The metrics that the functions send to a collector of OpenTelemetry agree with docs/metrics.md.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { startOtlpCollector, type OtlpCollector } from '../otlp-collector.ts';
import { startFunctions } from '../program.ts';
import { createNamespace, createWebsite, patch, removeWebsitesIn } from '../real-cluster.ts';

interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly histogram?: { readonly dataPoints: readonly Point[] };
  readonly sum?: { readonly dataPoints: readonly Point[] };
}
interface Point {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
  readonly count?: number;
  readonly asInt?: number;
}
interface MetricsMessage {
  readonly resourceMetrics: readonly { readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[] }[];
}

let admin: Transport;
let namespace: string;
let collector: OtlpCollector;
let folder: string;

beforeEach(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'metrics');
  collector = await startOtlpCollector();
  folder = mkdtempSync(join(tmpdir(), 'metrics-'));
});
afterEach(async () => {
  collector.close();
  rmSync(folder, { recursive: true });
  await removeWebsitesIn(admin, namespace);
  await admin.close();
});

/** The last values of every metric. */
function metricsOf({ received }: OtlpCollector): Metric[] {
  expect(received.map(({ path }) => path)).toContain('/v1/metrics');
  const last = received.findLast(({ path }) => path === '/v1/metrics') as { message: MetricsMessage };
  return last.message.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
}

const pointsOf = ({ histogram, sum }: Metric): readonly Point[] => (histogram ?? sum)?.dataPoints ?? [];

function row(metric: Metric): string {
  const names = pointsOf(metric).flatMap(({ attributes }) => attributes.map(({ key }) => `\`${key}\``));
  const type = metric.histogram === undefined ? 'counter' : 'histogram';
  return `\`${metric.name}\` ${type} \`${metric.unit}\` ${[...new Set(names)].join(', ')}`;
}

/** Counts by the values of the labels, such as `event settled Available`. */
function counts(metrics: readonly Metric[], name: string): Record<string, number> {
  const points = metrics.filter((metric) => metric.name === name).flatMap(pointsOf);
  const named = points.map(({ attributes, count, asInt }) => [
    attributes.map(({ value }) => value.stringValue).join(' '),
    count ?? asInt ?? 0,
  ]);
  return Object.fromEntries(named) as Record<string, number>;
}

it('The functions send exactly the metrics that docs/metrics.md lists, at the latest when they end', async () => {
  const host = startFunctions({
    KUBECONFIG: inject('functionsKubeconfig'),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_METRIC_EXPORT_INTERVAL: '3600000',
    HISTORY_URL: `sqlite:${folder}/history.db`,
  });
  const url = String((await host.line('Listening'))['url']);
  const eventFor = (name: string) => {
    const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', namespace, name, uid: 'x', reason: 'retry' };
    return { id: '1', specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed', data };
  };
  const reconcile = async (name: string) => {
    const event = eventFor(name);
    const headers = { 'content-type': 'application/cloudevents+json' };
    expect((await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })).status).toBe(204);
  };
  await createWebsite(admin, { namespace, name: 'suspended' }, { image: 'nginx:1', replicas: 1, suspend: true });
  await reconcile('suspended');
  await reconcile('suspended');
  await reconcile('missing');
  await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  await reconcile('shop');
  await eventually(async () => {
    await reconcile('shop');
    const shop = await kubernetes(admin).getWebsite({ namespace, name: 'shop' });
    expect(shop?.status?.history?.[0]?.readyAt).toBeDefined();
  });
  await reconcile('shop');
  const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/shop-deployment`;
  await patch(admin, `${deployment}?fieldManager=kubectl-scale`, { spec: { replicas: 1 } });
  await reconcile('shop');
  const batch = ['shop', 'missing'].map((name) => eventFor(name));
  const sent = { method: 'POST', headers: { 'content-type': 'application/cloudevents-batch+json' } };
  expect((await fetch(url, { ...sent, body: JSON.stringify(batch) })).status).toBe(200);
  expect((await fetch(new URL('resync', url), { method: 'POST' })).status).toBe(204);
  expect(collector.received.filter(({ path }) => path === '/v1/metrics')).toEqual([]);
  expect(await host.stop()).toBe(0);

  const metrics = metricsOf(collector);
  const table = readFileSync('docs/metrics.md', 'utf8').matchAll(
    /^\| (`(?:website|v8js)\.[\w.]+`) \| (\w+) \| (`[^`]+`) \| ?([^|]*?) \|/gm,
  );
  const documented = [...table].map(([, ...cells]) => cells.join(' '));
  expect(metrics.map(row).toSorted()).toEqual(documented.toSorted());

  const reconciles = counts(metrics, 'website.reconcile.duration');
  expect(reconciles).toMatchObject({ 'event settled Suspended': 2, 'event gone': 2 });
  const events = Object.entries(reconciles).reduce((sum, [name, n]) => sum + (name.startsWith('event ') ? n : 0), 0);
  const waits = counts(metrics, 'website.wait.duration');
  const calls = counts(metrics, 'website.api.duration');
  expect(waits).toMatchObject({ place: events, batch: 2 });
  expect(waits['turn']).toBe(Object.values(calls).reduce((sum, n) => sum + n, 0));
  expect(calls).toMatchObject({
    'create deployments 201': 1,
    'create services 201': 1,
    'update deployments 200': 1,
    'get websites 404': 2,
  });
  expect(Object.keys(calls)).toEqual(
    expect.arrayContaining([
      'get deployments 200',
      'get deployments 404',
      'update websites/status 200',
      'list websites 200',
    ]),
  );
  expect(Object.keys(calls).join('\n')).not.toContain(namespace);
  expect(counts(metrics, 'website.event_loop.delay')['']).toBeGreaterThan(0);
  const types = Object.keys(counts(metrics, 'v8js.gc.duration'));
  expect(types.length).toBeGreaterThan(0);
  expect(['major', 'minor', 'incremental', 'weakcb']).toEqual(expect.arrayContaining(types));
  expect(counts(metrics, 'website.ready.duration')).toEqual({ created: 1 });
  expect(counts(metrics, 'website.repairs')).toEqual({ Deployment: 1 });
  // No event reported the deletion, and two runs had nothing to do.
  const { written = 0, ...lost } = counts(metrics, 'website.history.records');
  expect(written).toBeGreaterThanOrEqual(3);
  expect(lost).toEqual({});
  expect(counts(metrics, 'website.resync.duration')).toEqual({ complete: 1 });
  const { seen = 0, ...others } = counts(metrics, 'website.resync.websites');
  expect(seen).toBeGreaterThanOrEqual(1);
  expect(others).toMatchObject({ failed: 0, unfinished: 0 });
});
