// The spans that both hosts send to a collector of OpenTelemetry.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { startOtlpCollector, type OtlpCollector } from '../otlp-collector.ts';
import { startForwarder, startFunctions, startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';

interface Span {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly events: readonly { readonly name: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
}
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}
interface SpansMessage {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly (Span & { attributes: readonly Attribute[] })[] }[];
  }[];
}

const INTERNAL = 1;
const SERVER = 2;
const CONSUMER = 5;
const ERROR = 2;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const SPEC = { image: 'nginx:1', replicas: 0, env: [{ name: 'TOKEN', value: 'hunter2-marker' }] };
const CHANGED = 'com.example.stable.website.changed';
const RESYNC = 'com.example.stable.websites.resync';

const valuesOf = (attributes: readonly Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));

const spansIn = ({ received }: OtlpCollector): Span[] =>
  received
    .filter(({ path }) => path === '/v1/traces')
    .flatMap(({ message }) => (message as SpansMessage).resourceSpans)
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map((span) => ({
          ...span,
          service: String(valuesOf(resource.attributes)['service.name']),
          attributes: valuesOf(span.attributes),
        })),
      ),
    );

let admin: Transport;
let namespace: string;
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'spans');
});
afterAll(async () => {
  await removeWebsitesIn(admin, namespace);
  await admin.close();
});

/** The default of 5 s would be most of what these tests take. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: '100' };

type Host = 'node' | 'azure';
function start(host: Host, variables: Record<string, string>): Program {
  const given = { KUBECONFIG: inject('functionsKubeconfig'), ...SOON, ...variables };
  return host === 'node'
    ? startFunctions({ RESYNC_INTERVAL_SECONDS: '0', ...given })
    : startProgram('test/hosts/azure-worker.ts', [], given);
}
const urlOf = async (program: Program): Promise<string> => String((await program.line('Listening'))['url']);

async function collecting(): Promise<OtlpCollector> {
  const collector = await startOtlpCollector();
  onTestFinished(() => collector.close());
  return collector;
}

async function started(host: Host, variables: Record<string, string>): Promise<{ program: Program; url: string }> {
  const program = start(host, variables);
  onTestFinished(async () => void (await program.stop()));
  return { program, url: await urlOf(program) };
}

async function send(url: string, name: string, given: object = {}): Promise<number> {
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', namespace, name, uid: 'x', reason: 'retry' };
  const event = { id: `${name}.1`, specversion: '1.0', source: '/x', type: CHANGED, data, ...given };
  const headers = { 'content-type': 'application/cloudevents+json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })).status;
}

describe.each(['node', 'azure'] as const)('On %s,', (host) => {
  it('the functions continue the trace of the forwarder', async () => {
    const collector = await collecting();
    const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const { url } = await started(host, { ...otlp, CLUSTER_NAME: 'west' });
    const forwarder = startForwarder(['--host', '127.0.0.1', '--port', '0', '--namespaces', namespace], {
      ...otlp,
      ...SOON,
      SINK: url,
      KUBECONFIG: inject('forwarderKubeconfig'),
    });
    onTestFinished(async () => void (await forwarder.stop()));
    const pairOf = (type: string, isMeant: (span: Span) => boolean = () => true) => {
      const taken = spansIn(collector).find((span) => span.name === `process ${type}` && isMeant(span));
      const sent = spansIn(collector).find(
        ({ name, spanId }) => name === `send ${type}` && spanId === taken?.parentSpanId,
      );
      return { taken, sent };
    };
    const arrives = (find: () => ReturnType<typeof pairOf>) =>
      eventually(() => {
        const { taken, sent } = find();
        expect(sent).toMatchObject({ service: 'website-forwarder' });
        expect(taken).toMatchObject({ service: 'website-functions', kind: CONSUMER, traceId: sent?.traceId });
        return taken;
      });
    await arrives(() => pairOf(RESYNC));
    // The resync would reconcile a Website that is already there, and leave nothing to its event.
    const { metadata } = await createWebsite(admin, { namespace, name: `sent-${host}` }, SPEC);
    const taken = await arrives(() =>
      pairOf(CHANGED, ({ attributes }) => attributes['website.name'] === `sent-${host}`),
    );
    expect(taken?.attributes).toMatchObject({
      'faas.trigger': 'pubsub',
      'cloudevents.event_id': expect.stringContaining(metadata.uid) as string,
      'cloudevents.event_source': '/clusters/default/apis/stable.example.com/v1',
      'cloudevents.event_type': CHANGED,
      'k8s.cluster.name': 'west',
      'k8s.namespace.name': namespace,
      'website.uid': metadata.uid,
      'website.event_reason': 'first-seen',
      'website.outcome': 'waiting',
      'website.actions': 3,
    });
    expect(taken?.status.code ?? 0).toBe(0);
    expect(taken?.events.map(({ name }) => name).slice(0, 3)).toEqual(['read', 'write', 'write status']);
    expect(JSON.stringify(collector.received)).not.toContain('hunter2-marker');
  });

  it('a resync has a span, and each of its runs has a span below it', async () => {
    const collector = await collecting();
    const { url } = await started(host, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const { metadata } = await createWebsite(admin, { namespace, name: `resynced-${host}` }, SPEC);
    const traceparent = `00-${TRACE}-${PARENT}-01`;
    expect(await send(url, 'all', { type: RESYNC, data: undefined, traceparent })).toBe(204);
    expect((await fetch(new URL('resync', url), { method: 'POST' })).status).toBe(204);
    await eventually(() => {
      const spans = spansIn(collector);
      const resync = spans.find(({ name }) => name === `process ${RESYNC}`);
      expect(resync).toMatchObject({ kind: CONSUMER, traceId: TRACE, parentSpanId: PARENT });
      expect(resync?.attributes['website.resync.seen']).toBeGreaterThanOrEqual(1);
      const run = spans.find(({ attributes }) => attributes['website.name'] === `resynced-${host}`);
      expect(run).toMatchObject({ name: 'reconcile Website', kind: INTERNAL, traceId: TRACE });
      expect(run?.parentSpanId).toBe(resync?.spanId);
      expect(run?.attributes).toMatchObject({ 'website.uid': metadata.uid, 'website.outcome': 'waiting' });
      const asked = spans.find(({ name }) => name === 'resyncWebsites');
      expect(asked).toMatchObject({ kind: SERVER, attributes: { 'faas.trigger': host === 'node' ? 'http' : 'timer' } });
      expect(asked?.traceId).not.toBe(TRACE);
    });
  });

  it('an event without a readable trace starts a new trace, and an event that is not sampled has no span', async () => {
    const collector = await collecting();
    const { program, url } = await started(host, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const malformed = [undefined, null, 7, '', 'x', `00-${'0'.repeat(32)}-${PARENT}-01`, `00-${TRACE}-${PARENT}-01-x`];
    for (const [index, traceparent] of malformed.entries())
      expect(await send(url, `malformed-${index}`, { traceparent })).toBe(204);
    expect(await send(url, 'unsampled', { traceparent: `00-${TRACE}-${PARENT}-00` })).toBe(204);
    expect(await send(url, 'sampled', { traceparent: `00-${TRACE}-${PARENT}-01` })).toBe(204);
    // The last spans are sent when the process ends.
    expect(await program.stop()).toBe(0);
    const spans = spansIn(collector);
    const named = (name: string) => spans.find(({ attributes }) => attributes['website.name'] === name);
    for (const index of malformed.keys()) {
      expect(named(`malformed-${index}`)?.parentSpanId).toBeUndefined();
      expect(named(`malformed-${index}`)?.traceId).not.toBe(TRACE);
    }
    expect(named('unsampled')).toBeUndefined();
    expect(named('sampled')).toMatchObject({ traceId: TRACE, parentSpanId: PARENT });
  });

  it('the span of a failed run has an error with its code', async () => {
    const collector = await collecting();
    const unreachable = 'test/fixtures/unreachable.kubeconfig';
    const { program, url } = await started(host, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      KUBECONFIG: unreachable,
    });
    expect(await send(url, 'far')).toBe(503);
    expect(await send(url, 'all', { type: RESYNC, data: undefined })).toBe(503);
    expect(await program.stop()).toBe(0);
    const failed = { status: { code: ERROR, message: 'Unreachable' } };
    expect(spansIn(collector).toSorted((one, other) => one.name.localeCompare(other.name))).toMatchObject([
      {
        name: `process ${CHANGED}`,
        ...failed,
        attributes: { 'website.outcome': 'failed', 'error.type': 'Unreachable' },
      },
      { name: `process ${RESYNC}`, ...failed },
    ]);
  });

  it.each<[string, RequestListener | undefined]>([
    ['down', undefined],
    ['silent', () => {}],
    ['refusing', (_, response) => response.writeHead(503, { 'retry-after': '3600' }).end()],
    ['answering garbage', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{')],
  ])('a collector that is %s loses no event and does not end the process', async (_, listener) => {
    const asked = Promise.withResolvers<void>();
    const server = createServer((request, response) => {
      asked.resolve();
      listener?.(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const close = () => {
      server.close();
      server.closeAllConnections();
    };
    onTestFinished(close);
    if (listener === undefined) close();
    const { program, url } = await started(host, {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint,
    });
    expect(await send(url, 'first')).toBe(204);
    if (listener !== undefined) await asked.promise;
    for (let more = 1; more <= 20; more++) expect(await send(url, `more-${more}`)).toBe(204);
    expect(await program.stop()).toBe(0);
    expect(program.stderr.join('')).not.toMatch(/Unhandled|TypeError/);
  });
});
