// Every setting of the built forwarder has an effect, as a flag and as each of its variables.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { SETTINGS, USAGE } from '../../infra/forwarder/config.ts';
import { FLAGS } from '../../infra/forwarder/flags.ts';
import { authority } from '../../infra/local/control-plane/certificates.ts';
import { eventually } from '../eventually.ts';
import { startOtlpCollector } from '../otlp-collector.ts';
import { startForwarder, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { spanBatches } from '../telemetry/span-batches.ts';

const SECRET = `whsec_${createHash('sha256').update('x').digest('base64')}`;
const UNREACHABLE = 'test/fixtures/unreachable.kubeconfig';
const SPEC = { image: 'nginx:1', replicas: 0 };
let admin: Transport;
/** Its Website leads to an event at each start. */
let namespace: string;
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'settings');
  await createWebsite(admin, { namespace, name: 'shop' }, SPEC);
});
afterAll(async () => {
  await removeWebsitesIn(admin, namespace);
  await admin.close();
});

interface Sink {
  readonly url: string;
  /** The first request. */
  asked(): Promise<{ path: string; headers: IncomingHttpHeaders; body: string }>;
}
interface Run {
  /** Registers a clean-up for the end of the test. */
  later(end: () => unknown): void;
  /** Starts the forwarder with the settings. It passes the tested setting in the tested way: as a flag or as a variable. */
  start(settings: Record<string, string>, ...args: string[]): Program;
}

async function listen(run: Run, listener: RequestListener, tls?: { cert: string; key: string }): Promise<string> {
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  run.later(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http${tls === undefined ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** @param answers whether the sink answers, or accepts requests without an answer. */
async function sinkIn(run: Run, answers: 'answers' | 'is silent' = 'answers', tls?: { cert: string; key: string }) {
  const requests: Awaited<ReturnType<Sink['asked']>>[] = [];
  const url = await listen(
    run,
    (request, response) => {
      void (async () => {
        const body = await text(request);
        requests.push({ path: request.url ?? '', headers: request.headers, body });
        if (answers === 'answers') response.writeHead(204).end();
      })();
    },
    tls,
  );
  return {
    url,
    asked: () =>
      eventually(() => {
        const [first] = requests;
        if (first === undefined) throw new Error('Nothing came');
        return first;
      }),
  };
}

/** The headers of the first event. */
async function headersWith(run: Run, settings: Record<string, string>): Promise<IncomingHttpHeaders> {
  const sink = await sinkIn(run);
  run.start({ sink: sink.url, ...settings });
  return (await sink.asked()).headers;
}
const leading = (program: Program) => program.line('Leading');
const freePort = async (run: Run) => new URL(await listen(run, () => {})).port;
const urlOf = async (program: Program) => String((await program.line('Listening'))['url']);
const NOWHERE = { sink: 'http://127.0.0.1:9/', kubeconfig: UNREACHABLE };

/** The spans that arrive after an event, before the forwarder ends. */
async function sendsSpansSoon(run: Run, settings: Record<string, string>) {
  const [collector, sink] = [await startOtlpCollector(), await sinkIn(run)];
  run.later(() => collector.close());
  run.start({ sink: sink.url, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...settings });
  await sink.asked();
  await eventually(() => expect(collector.received).not.toEqual([]));
}
const TRACED = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };

async function tracesAt(run: Run, settings: (url: string) => Record<string, string>, path: string) {
  const [collector, sink] = [await startOtlpCollector(), await sinkIn(run)];
  run.later(() => collector.close());
  const program = run.start({ sink: sink.url, ...settings(collector.url) });
  await program.line('Delivered event');
  await program.stop();
  expect(collector.received.map((each) => each.path)).toContain(path);
}

/** For each setting, a check that it has an effect. */
const SHOWN: Readonly<Record<string, (run: Run) => Promise<void>>> = {
  async sink(run) {
    const sink = await sinkIn(run);
    run.start({ sink: `${sink.url}/here` });
    expect((await sink.asked()).path).toBe('/here');
  },
  async 'sink-kind'(run) {
    const sink = await sinkIn(run);
    run.start({ sink: `${sink.url}/topic`, 'sink-kind': 'event-grid', SINK_EVENT_GRID_KEY: 'key' });
    expect((await sink.asked()).path).toBe('/topic?api-version=2018-01-01');
  },
  async SINK_EVENT_GRID_KEY(run) {
    expect(await headersWith(run, { 'sink-kind': 'event-grid', SINK_EVENT_GRID_KEY: 'key' })).toMatchObject({
      'aeg-sas-key': 'key',
    });
  },
  async SINK_ACCOUNT_KEY(run) {
    const sink = await sinkIn(run);
    run.start({ sink: `${sink.url}/account/queue`, 'sink-kind': 'storage-queue', SINK_ACCOUNT_KEY: 'a2V5' });
    const { path, headers } = await sink.asked();
    expect(path).toMatch(/^\/account\/queue\/messages/);
    expect(headers.authorization).toMatch(/^SharedKey account:/);
  },
  async 'sink-token-file'(run) {
    const folder = mkdtempSync(join(tmpdir(), 'settings-'));
    run.later(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'token'), 'of-a-file\n');
    const headers = await headersWith(run, { 'sink-token-file': join(folder, 'token') });
    expect(headers.authorization).toBe('Bearer of-a-file');
  },
  async 'sink-entra-scope'(run) {
    const asked: string[] = [];
    const identity = await listen(run, (request, response) => {
      asked.push(request.url ?? '');
      const token = { access_token: 'of-entra', expires_on: String(Math.floor(Date.now() / 1000) + 3600) };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token));
    });
    const headers = await headersWith(run, {
      'sink-entra-scope': 'api://functions/.default',
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
      IDENTITY_ENDPOINT: `${identity}/token`,
      IDENTITY_HEADER: 'x',
    });
    expect(headers.authorization).toBe('Bearer of-entra');
    expect(asked.join('\n')).toContain(encodeURIComponent('api://functions'));
  },
  async SINK_FUNCTION_KEY(run) {
    expect(await headersWith(run, { SINK_FUNCTION_KEY: 'key' })).toMatchObject({ 'x-functions-key': 'key' });
  },
  async SINK_BEARER_TOKEN(run) {
    expect(await headersWith(run, { SINK_BEARER_TOKEN: 'fixed' })).toMatchObject({ authorization: 'Bearer fixed' });
  },
  async SINK_SIGNING_SECRET(run) {
    const sink = await sinkIn(run);
    run.start({ sink: sink.url, SINK_SIGNING_SECRET: SECRET });
    const { headers, body } = await sink.asked();
    expect(() => new Webhook(SECRET).verify(body, headers as Record<string, string>)).not.toThrow();
  },
  async mode(run) {
    expect(await headersWith(run, { mode: 'batched' })).toMatchObject({
      'content-type': expect.stringContaining('application/cloudevents-batch+json') as string,
    });
  },
  async parallel(run) {
    const [sink, many] = [await sinkIn(run, 'is silent'), await createNamespace(admin, 'parallel')];
    run.later(() => removeWebsitesIn(admin, many));
    for (const name of ['a', 'b', 'c', 'd']) await createWebsite(admin, { namespace: many, name }, SPEC);
    const url = await urlOf(run.start({ sink: sink.url, namespaces: many, parallel: '2' }));
    await eventually(async () => {
      const metrics = await (await fetch(new URL('metrics', url))).text();
      expect(Number(/pending_keys\{state="queued"\} (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(0);
      // Without the limit, more would be at work by now.
      expect(Number(/^website_forwarder_oldest_pending_age_seconds (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(1);
      expect(metrics).toContain('pending_keys{state="at_work"} 2');
    });
  },
  async timeout(run) {
    const sink = await sinkIn(run, 'is silent');
    const program = run.start({ sink: sink.url, timeout: '1' });
    const { ms } = await program.line('Could not deliver event');
    expect(Number(ms)).toBeGreaterThanOrEqual(990);
  },
  async kubeconfig(run) {
    expect(await run.start(NOWHERE).line('Listening')).toMatchObject({ cluster: 'https://127.0.0.1:1' });
  },
  async context(run) {
    const folder = mkdtempSync(join(tmpdir(), 'settings-'));
    run.later(() => rmSync(folder, { recursive: true }));
    const two = readFileSync(UNREACHABLE, 'utf8')
      .replace(
        /^ {2}- name: nowhere\n {4}cluster:.*$/m,
        `$&\n  - name: other\n    cluster: { server: 'https://127.0.0.1:2' }`,
      )
      .replace(
        /^ {2}- name: nowhere\n {4}context:.*$/m,
        '$&\n  - name: other\n    context: { cluster: other, user: nobody }',
      );
    writeFileSync(join(folder, 'two'), two);
    const program = run.start({ ...NOWHERE, kubeconfig: join(folder, 'two'), context: 'other' });
    expect(await program.line('Listening')).toMatchObject({ cluster: 'https://127.0.0.1:2' });
  },
  async cluster(run) {
    const headers = await headersWith(run, { cluster: 'west' });
    expect(headers['ce-source']).toBe('/clusters/west/apis/stable.example.com/v1');
  },
  async namespaces(run) {
    const url = await urlOf(run.start({ ...NOWHERE, namespaces: 'one,two' }));
    await eventually(async () => {
      const metrics = await (await fetch(new URL('metrics', url))).text();
      for (const each of ['one', 'two']) expect(metrics).toContain(`watch_connected{resource="websites in ${each}"}`);
    });
  },
  async shard(run) {
    const own = await createNamespace(admin, 'shard');
    const settings = { kubeconfig: inject('kubeconfig'), lease: 'work', 'lease-namespace': own };
    const program = run.start({ ...NOWHERE, ...settings, shard: '1/3' });
    expect(await leading(program)).toMatchObject({ name: 'work-1-of-3' });
  },
  async lease(run) {
    const own = await createNamespace(admin, 'lease');
    const settings = { kubeconfig: inject('kubeconfig'), 'lease-namespace': own };
    const program = run.start({ ...NOWHERE, ...settings, lease: 'work' });
    expect(await leading(program)).toMatchObject({ namespace: own, name: 'work' });
  },
  async 'lease-namespace'(run) {
    const own = await createNamespace(admin, 'lease');
    const settings = { kubeconfig: inject('kubeconfig'), 'lease-namespace': own };
    expect(await leading(run.start({ ...NOWHERE, ...settings, lease: 'work' }))).toMatchObject({ namespace: own });
  },
  async host(run) {
    const url = await urlOf(run.start({ ...NOWHERE, host: '127.0.0.2' }));
    expect(new URL(url).hostname).toBe('127.0.0.2');
    expect((await fetch(new URL('livez', url))).status).toBe(200);
  },
  async port(run) {
    // The port is in use, so the error names it.
    const port = await freePort(run);
    const program = run.start({ ...NOWHERE, port });
    expect(await program.exit).toBe(1);
    expect(program.stderr.join('')).toContain(`port ${port}: the port is in use`);
  },
  async 'log-level'(run) {
    const program = run.start({ ...NOWHERE, 'log-level': 'warn' });
    await eventually(() => expect(program.lines).not.toEqual([]));
    expect(program.lines.filter(({ level }) => level === 'info' || level === 30)).toEqual([]);
  },
  async K_CE_OVERRIDES(run) {
    const headers = await headersWith(run, { K_CE_OVERRIDES: '{"extensions":{"team":"web"}}' });
    expect(headers['ce-team']).toBe('web');
  },
  async K_CA_CERTS(run) {
    const folder = mkdtempSync(join(tmpdir(), 'settings-'));
    run.later(() => rmSync(folder, { recursive: true }));
    const ca = await authority(folder);
    const { certificate: cert, key } = await ca.issue({ commonName: 'sink' });
    const sink = await sinkIn(run, 'answers', { cert, key });
    run.start({ sink: sink.url, K_CA_CERTS: `${ca.certificate}\n${ca.certificate}` });
    expect((await sink.asked()).headers['ce-type']).toMatch(/^com\.example\.stable\./);
  },
  async OTEL_EXPORTER_OTLP_ENDPOINT(run) {
    await tracesAt(run, (url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url }), '/v1/traces');
  },
  async OTEL_EXPORTER_OTLP_TRACES_ENDPOINT(run) {
    await tracesAt(run, (url) => ({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/traces-of-mine` }), '/traces-of-mine');
  },
  ...spanBatches(sendsSpansSoon),
  async OTEL_TRACES_SAMPLER(run) {
    expect((await headersWith(run, TRACED))['ce-traceparent']).toMatch(/-01$/);
    const off = { ...TRACED, OTEL_TRACES_SAMPLER: 'always_off' };
    expect((await headersWith(run, off))['ce-traceparent']).toMatch(/-00$/);
  },
  async OTEL_TRACES_SAMPLER_ARG(run) {
    const none = { ...TRACED, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    expect((await headersWith(run, none))['ce-traceparent']).toMatch(/-00$/);
  },
};

const variablesOf = (setting: string): readonly string[] =>
  setting in FLAGS ? FLAGS[setting as keyof typeof FLAGS] : [setting];
const WAYS = Object.keys(SHOWN).flatMap((setting) => [
  ...(setting in FLAGS ? [{ setting, way: `--${setting}` }] : []),
  ...variablesOf(setting).map((way) => ({ setting, way })),
]);

it.concurrent.for(WAYS)('$way takes effect', async ({ setting, way }, { onTestFinished }) => {
  const ends: (() => unknown)[] = [];
  onTestFinished(async () => {
    for (const end of ends.toReversed()) await end();
  });
  const run: Run = {
    later: (end) => void ends.push(end),
    start(settings, ...args) {
      const all = {
        kubeconfig: inject('forwarderKubeconfig'),
        namespaces: namespace,
        host: '127.0.0.1',
        port: '0',
        ...settings,
      };
      const given = Object.entries(all).map(([name, value]) => [
        name === setting ? way : (variablesOf(name)[0] ?? name),
        value,
      ]);
      const isFlag = ([name = '']: string[]) => name.startsWith('--');
      const program = startForwarder(
        [...given.filter(isFlag).flat(), ...args] as string[],
        Object.fromEntries(given.filter((each) => !isFlag(each))) as Record<string, string>,
      );
      // This test does not check how the program ends, and unfinished work may take long.
      ends.push(() => program.process.kill('SIGKILL') && program.exit);
      return program;
    },
  };
  // With `resolves`, a failure would also count for the test that started last.
  expect(await SHOWN[setting]?.(run)).toBeUndefined();
});

it('--insecure-sink takes effect', async () => {
  const start = (...args: string[]) =>
    startForwarder([...args, '--host=127.0.0.1', '--port=0', '--sink=http://192.0.2.1/'], { KUBECONFIG: UNREACHABLE });
  const [without, program] = [start(), start('--insecure-sink')];
  expect(await program.line('Listening')).toMatchObject({ sink: 'http://192.0.2.1' });
  expect(await without.exit).toBe(2);
  await program.stop();
});

it('--help takes effect', async () => {
  const program = startForwarder(['--help']);
  expect(await program.exit).toBe(0);
  expect(`${program.text.join('\n')}\n`).toBe(USAGE);
});

it('docs/forwarder.md and --help list every setting, and the table above tests each', () => {
  // Without the flags of other programs.
  const page = readFileSync('docs/forwarder.md', 'utf8').replaceAll(/`npm run bench[^`]*`|^website .*$/gm, '');
  const flagsIn = (words: string) => [...words.matchAll(/(?<![-\w])--([a-z][-a-z]+)/g)].map(([, name = '']) => name);
  const switches = ['insecure-sink', 'help'];
  const shown = Object.keys(SHOWN).toSorted();
  expect(SETTINGS.toSorted()).toEqual(shown);
  expect([...new Set(flagsIn(USAGE))].toSorted()).toEqual([...Object.keys(FLAGS), ...switches].toSorted());
  expect([...shown, ...switches]).toEqual(expect.arrayContaining(flagsIn(page)));
  const table = page.slice(page.indexOf('## Settings'), page.indexOf('## Where can it send events?'));
  const rows = [...table.matchAll(/^\|([^|]*)\|([^|]*)\|/gm)];
  const columns = [1, 2].map((column) => rows.map((row) => row[column] ?? '').join());
  expect(flagsIn(columns[0] ?? '').toSorted()).toEqual([...Object.keys(FLAGS), ...switches].toSorted());
  // From the page, names in code. From the usage, names in brackets, or names without a flag.
  const inUsage = [
    ...[...USAGE.matchAll(/\(([A-Z_, ]+)\)/g)].flatMap(([, names = '']) => names.split(', ')),
    ...(USAGE.match(/\b[A-Z]+_[A-Z_]+\b/g) ?? []),
  ];
  const ours = shown.flatMap(variablesOf).filter((name) => !/^OTEL_(?!EXPORTER_OTLP_ENDPOINT$)/.test(name));
  expect([...new Set(inUsage)].toSorted()).toEqual(ours.toSorted());
  expect((columns[1]?.match(/[A-Z][A-Z_]+/g) ?? []).toSorted()).toEqual(ours.toSorted());
  const onPage = [...page.matchAll(/`((?:SINK|K|OTEL|POD|KUBE|LEASE|CLUSTER)_[A-Z_]+|MODE|SINK)`/g)].map(
    ([, name]) => name,
  );
  expect(ours).toEqual(expect.arrayContaining(onPage));
});
