// What a forwarder reports about itself: /statusz, /metrics and traces.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP } from 'cloudevents';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { VERSION } from '../../../functions/version.ts';
import { eventually } from '../../eventually.ts';
import { startSink, type Sink } from '../../faults/sink.ts';
import { startOtlpCollector } from '../../otlp-collector.ts';
import { startForwarder, type Program } from '../../program.ts';
import { createNamespace, createWebsite } from '../../real-cluster.ts';

const spec = { image: 'nginx:1', replicas: 0 };

let admin: Transport;
let namespace: string;
let sink: Sink;
let program: Program | undefined;
const close: (() => unknown)[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  namespace = await createNamespace(admin, 'observe');
  sink = await startSink(namespace);
});
afterEach(async () => {
  await program?.stop();
  await sink.close();
  for (const each of close.splice(0)) each();
});

async function start(variables: Record<string, string> = {}) {
  const flags = ['--host', '127.0.0.1', '--port', '0', '--namespaces', namespace];
  program = startForwarder(flags, {
    SINK: sink.url,
    KUBECONFIG: inject('forwarderKubeconfig'),
    ...variables,
  });
  const health = String((await program.line('Listening'))['url']);
  const get = async (page: string) => (await fetch(new URL(page, health))).text();
  await eventually(async () => expect(await get('readyz')).toBe('ok\n'));
  return get;
}

/** The value of one series. */
const valueOf = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

it('/statusz and a metric name the release', async () => {
  const get = await start();
  expect(JSON.parse(await get('statusz'))).toMatchObject({ version: VERSION, namespaces: [namespace] });
  expect(valueOf(await get('metrics'), `website_forwarder_build_info{version="${VERSION}"}`)).toBe(1);
});

it('/metrics has exactly the metrics that docs/metrics.md lists', async () => {
  const get = await start();
  // A label appears only once it has a value.
  let tries = 0;
  sink.answer = () => ({ status: ++tries <= 2 ? 503 : 204 });
  await createWebsite(admin, { namespace, name: 'a' }, spec);
  await eventually(() => expect(sink.accepted).toHaveLength(1));
  const text = await get('metrics');
  const shown = [...text.matchAll(/^# TYPE (website_forwarder_\w+) (\w+)$/gm)].map(([, name = '', type = '']) => {
    const [, labels = ''] = new RegExp(`^${name}(?:_bucket)?\\{([^}]*)\\}`, 'm').exec(text) ?? [];
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``).filter((each) => each !== '`le`');
    return `\`${name}\` ${type} ${names.join(', ')}`;
  });
  const table = readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| (`website_\w+`) \| (\w+) \| ([^|]*?) ?\|/gm);
  const documented = [...table].map(([, name, type, labels]) => `${name} ${type} ${labels}`);
  expect(shown.toSorted()).toEqual(documented.toSorted());
});

it('/metrics counts deliveries, retries and lists, and shows the watches', async () => {
  const get = await start();
  let tries = 0;
  sink.answer = () => ({ status: ++tries <= 2 ? 503 : 204 });
  await createWebsite(admin, { namespace, name: 'a' }, spec);
  await eventually(() => expect(sink.accepted).toHaveLength(1));
  await eventually(async () => {
    const text = await get('metrics');
    const of = (series: string) => valueOf(text, `website_forwarder_${series}`);
    expect(of('events_total{type="changed",result="accepted"}')).toBe(1);
    expect(of('events_total{type="changed",result="failed"}')).toBe(2);
    expect(of('retries_total')).toBe(2);
    expect(of('delivery_duration_seconds_count{result="failed"}')).toBe(2);
    expect(of('queue_duration_seconds_count{type="changed"}')).toBe(3);
    expect(of('watch_duration_seconds_count')).toBe(1);
    expect(of('event_loop_delay_seconds_count')).toBeGreaterThan(0);
    expect(of('lists_total{resource="websites",reason="start"}')).toBe(1);
    expect(of(`watch_connected{resource="websites in ${namespace}"}`)).toBe(1);
    expect(of('known_objects{resource="websites"}')).toBe(1);
    expect(of('pending_keys{state="at_work"}')).toBe(0);
    expect(of('oldest_pending_age_seconds')).toBe(0);
    expect(of('leader')).toBe(1);
  });
});

it('An event carries its trace, also when it is sent again, and the forwarder exports the span', async () => {
  const collector = await startOtlpCollector();
  close.push(() => collector.close());
  interface Span {
    readonly traceId: string;
    readonly spanId: string;
    readonly name: string;
  }
  const spans = (): Span[] =>
    (collector.received as { message: { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] } }[]).flatMap(
      ({ message }) => message.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
  const ofWebsite = () => spans().filter(({ name }) => name === 'send com.example.stable.website.changed');
  const traceparents: unknown[] = [];
  const traced = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const event = HTTP.toEvent({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      const isOfWebsite = !Array.isArray(event) && event.type.endsWith('.changed');
      if (isOfWebsite) traceparents.push(event['traceparent']);
      response.writeHead(isOfWebsite && traceparents.length < 2 ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => traced.listen(0, '127.0.0.1', resolve));
  close.push(
    () => traced.closeAllConnections(),
    () => traced.close(),
  );
  const SINK = `http://127.0.0.1:${(traced.address() as AddressInfo).port}`;
  await start({ SINK, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100' });
  await createWebsite(admin, { namespace, name: 'a' }, spec);
  await eventually(() => expect(ofWebsite()).toHaveLength(1));
  const [{ traceId, spanId } = { traceId: '', spanId: '' }] = ofWebsite();
  expect(traceparents).toEqual([`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`]);
});
