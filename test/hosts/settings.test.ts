// Every setting of the functions has an effect in both built hosts.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, globSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request, type RequestListener, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { SETTINGS } from '../../functions/config.ts';
import { SqliteHistory } from '../../functions/history/sqlite.ts';
import { eventually } from '../eventually.ts';
import { record } from '../history/records.ts';
import { startOtlpCollector } from '../otlp-collector.ts';
import { startFunctions, startProgram, type Program } from '../program.ts';
import { spanBatches } from '../telemetry/span-batches.ts';

type Variables = Record<string, string>;
const UNREACHABLE = 'test/fixtures/unreachable.kubeconfig';
const WORKER = 'test/hosts/azure-worker.ts';
const SECRET = `whsec_${createHash('sha256').update('x').digest('base64')}`;
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', namespace: 'a', name: 'b', uid: 'x' };
const IGNORED = { id: '1', specversion: '1.0', source: '/x', type: 'of no interest' };
const CHANGED = { ...IGNORED, type: 'com.example.stable.website.changed', data: { ...data, reason: 'retry' } };
const DELETED = { ...IGNORED, type: 'com.example.stable.website.deleted', data: { ...data, reason: 'deleted' } };
const RESYNC = { ...IGNORED, type: 'com.example.stable.websites.resync' };
const NO_RESYNCS = { RESYNC_INTERVAL_SECONDS: '0' };

interface Run {
  readonly host: 'node' | 'azure';
  /** Registers a clean-up for the end of the test. */
  later(end: () => unknown): void;
  start(variables: Variables): Program;
}

const urlOf = async (program: Program): Promise<string> => String((await program.line('Listening'))['url']);
const post = (url: string, event: object, headers: Variables = {}) =>
  fetch(url, { method: 'POST', headers: { ...STRUCTURED, ...headers }, body: JSON.stringify(event) });
const started = (run: Run, variables: Variables) => urlOf(run.start(variables));

async function listen(run: Run, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  run.later(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An empty API server that records the requests. */
async function asked(run: Run): Promise<{ url: string; paths: string[]; most: () => number }> {
  const paths: string[] = [];
  let [atWork, most] = [0, 0];
  const url = await listen(run, ({ url: path = '' }, response) => {
    paths.push(path);
    const isOne = /\/websites\/\w+$/.test(path);
    // Each event leads to one request for its Website.
    if (isOne) most = Math.max(most, ++atWork);
    setImmediate(() => {
      if (isOne) atWork--;
      const none = { kind: 'Status', reason: 'NotFound', code: 404, details: { kind: 'websites', name: 'b' } };
      const empty = { kind: 'List', metadata: { resourceVersion: '1' }, items: [] };
      response.writeHead(isOne ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isOne ? none : empty));
    });
  });
  return { url, paths, most: () => most };
}

/** The parts of a written object that these tests read. */
interface Written {
  readonly kind?: string;
  readonly spec?: object;
  readonly status?: { readonly conditions?: readonly object[] };
}

/** An API server that has the Website of CHANGED with this spec, and accepts every write. */
async function holding(run: Run, spec: object): Promise<{ url: string; writes: Written[] }> {
  const writes: Written[] = [];
  const metadata = { namespace: 'a', name: 'b', uid: 'x', resourceVersion: '1', generation: 1 };
  const website = { apiVersion: data.apiVersion, kind: 'Website', metadata, spec };
  const none = { kind: 'Status', reason: 'NotFound', code: 404, details: { name: 'b' } };
  const answer = async (asking: IncomingMessage): Promise<object> => {
    if (asking.method === 'GET') return asking.url?.includes('/websites/') === true ? website : none;
    const body = JSON.parse(await textOf(asking)) as Written & { metadata: object };
    writes.push(body);
    return { ...body, metadata: { ...metadata, ...body.metadata } };
  };
  const url = await listen(run, (asking, response) => {
    void (async () => {
      const object = await answer(asking);
      response.writeHead(object === none ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(object));
    })();
  });
  return { url, writes };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A kubeconfig of API servers by the names of their contexts. The first is the current one. */
const kubeconfigOf = (servers: Variables): string =>
  JSON.stringify({
    'current-context': Object.keys(servers)[0],
    clusters: Object.entries(servers).map(([name, server]) => ({
      name,
      cluster: { server, 'insecure-skip-tls-verify': true },
    })),
    users: [{ name: 'nobody', user: { token: 'none' } }],
    contexts: Object.keys(servers).map((name) => ({ name, context: { cluster: name, user: 'nobody' } })),
  });

async function callersOf(run: Run) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'known', alg: 'ES256' };
  const keys = await listen(run, (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] })),
  );
  const url = await started(run, {
    ALLOW_ANONYMOUS: '',
    KUBECONFIG: UNREACHABLE,
    CALLER_ISSUER: 'https://issuer.example.com',
    CALLER_AUDIENCE: 'here',
    CALLER_SUBJECTS: 'sender, other',
    CALLER_JWKS_URL: keys,
  });
  return async (claims: object = {}): Promise<number> => {
    const token = await new SignJWT({ sub: 'sender', iss: 'https://issuer.example.com', aud: 'here', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'known' })
      .setExpirationTime('5m')
      .sign(privateKey);
    return (await post(url, IGNORED, { authorization: `Bearer ${token}` })).status;
  };
}

/** The paths at which metrics and spans arrive. */
async function telemetryOf(run: Run, variables: (url: string) => Variables): Promise<() => string[]> {
  const collector = await startOtlpCollector();
  run.later(() => collector.close());
  const program = run.start({ KUBECONFIG: UNREACHABLE, ...variables(collector.url) });
  expect((await post(await urlOf(program), DELETED)).status).toBe(204);
  return () => collector.received.map(({ path }) => path);
}

async function sendsSpansSoon(run: Run, variables: Variables): Promise<void> {
  const paths = await telemetryOf(run, (url) => ({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url, ...variables }));
  await eventually(() => expect(paths()).toEqual(['/']));
}

/** Of two events, one of a sampled trace, those that lead to a span. Each is the end of its traceparent. */
async function spansOf(run: Run, variables: Variables): Promise<string[]> {
  const collector = await startOtlpCollector();
  run.later(() => collector.close());
  const program = run.start({
    KUBECONFIG: UNREACHABLE,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
    ...variables,
  });
  const url = await urlOf(program);
  for (const id of ['00', '01'])
    expect(
      (await post(url, { ...DELETED, id, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${id}` })).status,
    ).toBe(204);
  // At its end, a program sends the spans that wait.
  expect(await program.stop()).toBe(0);
  const sent = JSON.stringify(collector.received);
  return ['00', '01'].filter((id) => sent.includes(`{"stringValue":"${id}"}`));
}

async function asksTheContext(run: Run, variables: (kubeconfig: string) => Variables): Promise<void> {
  const [one, other] = [await asked(run), await asked(run)];
  const url = await started(run, variables(kubeconfigOf({ one: one.url, other: other.url })));
  expect((await post(url, { ...CHANGED, source: 'urn:y' })).status).toBe(204);
  expect(one.paths).toEqual([]);
  expect(other.paths.join('\n')).toContain('/namespaces/a/websites/b');
}

/** Functions with a history that has one record, 31 days old. */
async function withHistory(run: Run, variables: Variables): Promise<{ file: string; url: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'));
  run.later(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'history.db');
  const store = new SqliteHistory(file);
  await store.add([record({ name: 'month-old', at: Date.now() - 31 * 24 * 3_600_000 })]);
  await store.close();
  return { file, url: await started(run, { KUBECONFIG: UNREACHABLE, HISTORY_URL: `sqlite:${file}`, ...variables }) };
}
async function namesIn(url: string): Promise<string[]> {
  const { records } = (await (await fetch(new URL('history', url))).json()) as { records: { name: string }[] };
  return records.map(({ name }) => name);
}

/** For each setting, a check that it has an effect on every host that has it. */
const SHOWN: Readonly<Record<string, (run: Run) => Promise<void>>> = {
  async KUBECONFIG(run) {
    const folder = mkdtempSync(join(tmpdir(), 'settings-'));
    run.later(() => rmSync(folder, { recursive: true }));
    const { url: server, paths } = await asked(run);
    writeFileSync(join(folder, 'kubeconfig'), kubeconfigOf({ one: server }));
    expect((await post(await started(run, { KUBECONFIG: join(folder, 'kubeconfig') }), CHANGED)).status).toBe(204);
    expect(paths).not.toEqual([]);
  },
  async KUBECONFIG_CONTENT(run) {
    const { url: server, paths } = await asked(run);
    const url = await started(run, { KUBECONFIG_CONTENT: kubeconfigOf({ one: server }) });
    expect((await post(url, CHANGED)).status).toBe(204);
    expect(paths).not.toEqual([]);
  },
  KUBE_CONTEXT: (run) => asksTheContext(run, (text) => ({ KUBECONFIG_CONTENT: text, KUBE_CONTEXT: 'other' })),
  CLUSTERS: (run) =>
    asksTheContext(run, (text) => ({ KUBECONFIG_CONTENT: text, CLUSTERS: '{"https://x:443":"one","urn:y":"other"}' })),
  async CLUSTER_NAME(run) {
    const url = await started(run, { KUBECONFIG: UNREACHABLE, REPLY_EVENTS: 'yes', CLUSTER_NAME: 'west' });
    const answer = await post(url, DELETED);
    expect(answer.headers.get('ce-source')).toBe('/clusters/west/apis/stable.example.com/v1');
  },
  async REPLY_EVENTS(run) {
    const url = await started(run, { KUBECONFIG: UNREACHABLE, REPLY_EVENTS: 'true' });
    expect((await post(url, DELETED)).headers.get('ce-type')).toBe('com.example.stable.website.reconciled');
  },
  async NAMESPACES(run) {
    const { url: server, paths } = await asked(run);
    const url = await started(run, { KUBECONFIG_CONTENT: kubeconfigOf({ one: server }), NAMESPACES: 'one, two' });
    expect((await post(url, CHANGED)).headers.get('website-outcome')).toBe('ignored');
    await post(url, RESYNC);
    // The version is read to open a connection.
    expect(paths.filter((path) => !/^\/version$|\/namespaces\/(one|two)\//.test(path))).toEqual([]);
    expect(paths).not.toEqual([]);
  },
  async WEBHOOK_ALLOWED_ORIGINS(run) {
    const url = await started(run, { KUBECONFIG: UNREACHABLE, WEBHOOK_ALLOWED_ORIGINS: 'a.example.com,b.example.com' });
    const answers = ['b.example.com', 'c.example.com'].map(async (origin) => {
      const answer = await fetch(url, { method: 'OPTIONS', headers: { 'webhook-request-origin': origin } });
      return answer.headers.get('webhook-allowed-origin');
    });
    expect(await Promise.all(answers)).toEqual(['b.example.com', null]);
  },
  async CALLER_AUDIENCE(run) {
    const send = await callersOf(run);
    expect([await send(), await send({ aud: 'elsewhere' })]).toEqual([204, 401]);
  },
  async CALLER_SUBJECTS(run) {
    const send = await callersOf(run);
    expect([await send({ sub: 'other' }), await send({ sub: 'nobody' })]).toEqual([204, 403]);
  },
  async CALLER_ISSUER(run) {
    const send = await callersOf(run);
    expect([await send(), await send({ iss: 'https://other.example.com' })]).toEqual([204, 401]);
  },
  async CALLER_JWKS_URL(run) {
    expect(await (await callersOf(run))()).toBe(204);
  },
  async CALLER_SIGNING_SECRET(run) {
    const url = await started(run, {
      KUBECONFIG: UNREACHABLE,
      ALLOW_ANONYMOUS: '',
      CALLER_SIGNING_SECRET: `${SECRET} ${SECRET}`,
    });
    const at = new Date();
    const signature = {
      'webhook-id': '1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(SECRET).sign('1', at, JSON.stringify(IGNORED)),
    };
    expect([(await post(url, IGNORED, signature)).status, (await post(url, IGNORED)).status]).toEqual([204, 401]);
  },
  async DEFAULT_GATEWAY(run) {
    const { url: server, writes } = await holding(run, { image: 'nginx:1', replicas: 1, host: 'a.example.com' });
    const settings = { KUBECONFIG_CONTENT: kubeconfigOf({ one: server }), DEFAULT_GATEWAY: 'infra/public' };
    expect((await post(await started(run, settings), CHANGED)).status).toBe(204);
    expect(writes.find(({ kind }) => kind === 'HTTPRoute')).toMatchObject({
      spec: { parentRefs: [{ namespace: 'infra', name: 'public' }] },
    });
  },
  async ONLY_DEFAULT_GATEWAY(run) {
    const spec = { image: 'nginx:1', replicas: 1, host: 'a.example.com', gateway: { name: 'own' } };
    const readyWith = async (variables: Variables) => {
      const { url: server, writes } = await holding(run, spec);
      const settings = { KUBECONFIG_CONTENT: kubeconfigOf({ one: server }), DEFAULT_GATEWAY: 'infra/public' };
      await post(await started(run, { ...settings, ...variables }), CHANGED);
      return writes.find(({ kind }) => kind === 'Website')?.status?.conditions?.[0];
    };
    expect(await readyWith({ ONLY_DEFAULT_GATEWAY: 'true' })).toMatchObject({ reason: 'InvalidSpec' });
    expect(await readyWith({})).toMatchObject({ reason: 'Progressing' });
  },
  async MAX_CONCURRENT(run) {
    const mostWith = async (variables: Variables): Promise<number> => {
      const { url: server, most } = await asked(run);
      const url = await started(run, { KUBECONFIG_CONTENT: kubeconfigOf({ one: server }), ...variables });
      const batch = Array.from({ length: 50 }, (_, index) => ({ ...CHANGED, id: String(index) }));
      const headers = { 'content-type': 'application/cloudevents-batch+json' };
      expect((await post(url, batch, headers)).status).toBe(200);
      return most();
    };
    expect(await mostWith({ MAX_CONCURRENT: '1' })).toBe(1);
    expect(await mostWith({})).toBeGreaterThan(1);
  },
  async HISTORY_URL(run) {
    const { file, url } = await withHistory(run, {});
    expect((await post(url, DELETED)).status).toBe(204);
    expect(await namesIn(url)).toEqual(['b', 'month-old']);
    expect(statSync(file).size).toBeGreaterThan(0);
    const without = await fetch(new URL('history', await started(run, { KUBECONFIG: UNREACHABLE })));
    expect([without.status, await without.text()]).toEqual([404, expect.stringContaining('HISTORY_URL')]);
  },
  // A resync deletes old records, even if it cannot reach the cluster.
  async HISTORY_DAYS(run) {
    const [kept, gone] = [await withHistory(run, { HISTORY_DAYS: '365' }), await withHistory(run, {})];
    for (const { url } of [kept, gone]) await post(url, RESYNC);
    expect([await namesIn(kept.url), await namesIn(gone.url)]).toEqual([['month-old'], []]);
  },
  async OTEL_EXPORTER_OTLP_ENDPOINT(run) {
    const paths = await telemetryOf(run, (url) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_METRIC_EXPORT_INTERVAL: '50',
    }));
    await eventually(() => expect(paths()).toContain('/v1/metrics'));
  },
  async OTEL_EXPORTER_OTLP_METRICS_ENDPOINT(run) {
    const paths = await telemetryOf(run, (url) => ({
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${url}/mine`,
      OTEL_METRIC_EXPORT_INTERVAL: '50',
    }));
    await eventually(() => expect(paths()).toContain('/mine'));
  },
  async OTEL_EXPORTER_OTLP_TRACES_ENDPOINT(run) {
    const paths = await telemetryOf(run, (url) => ({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/spans`,
    }));
    await eventually(() => expect(paths()).toEqual(['/spans']));
  },
  // By default, the first metrics would come after a minute, which is longer than this test waits.
  async OTEL_METRIC_EXPORT_INTERVAL(run) {
    const paths = await telemetryOf(run, (url) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_METRIC_EXPORT_INTERVAL: '50',
    }));
    await eventually(() => expect(paths().length).toBeGreaterThan(1));
  },
  ...spanBatches(sendsSpansSoon),
  async OTEL_TRACES_SAMPLER(run) {
    expect(await spansOf(run, {})).toEqual(['01']);
    expect(await spansOf(run, { OTEL_TRACES_SAMPLER: 'always_on' })).toEqual(['00', '01']);
    expect(await spansOf(run, { OTEL_TRACES_SAMPLER: 'always_off' })).toEqual([]);
  },
  async OTEL_TRACES_SAMPLER_ARG(run) {
    const ratio = (text: string) => ({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: text });
    expect(await spansOf(run, ratio('0'))).toEqual([]);
    expect(await spansOf(run, ratio('1'))).toEqual(['00', '01']);
  },
};

/** Settings of the Node host only. */
const SHOWN_BY_NODE: typeof SHOWN = {
  async HOST(run) {
    const url = await started(run, { KUBECONFIG: UNREACHABLE, HOST: '127.0.0.2' });
    expect(new URL(url).hostname).toBe('127.0.0.2');
    expect((await fetch(new URL('livez', url))).status).toBe(200);
  },
  async PORT(run) {
    // The port is in use, so the error names it.
    const { port } = new URL(await listen(run, () => {}));
    const program = run.start({ KUBECONFIG: UNREACHABLE, PORT: port });
    expect(await program.exit).toBe(1);
    expect(program.stderr.join('')).toContain(`port ${port}: the port is in use`);
  },
  async RESYNC_INTERVAL_SECONDS(run) {
    const { url: server, paths } = await asked(run);
    run.start({ KUBECONFIG_CONTENT: kubeconfigOf({ one: server }), RESYNC_INTERVAL_SECONDS: '1' });
    await eventually(() => expect(paths.join('\n')).toContain('/websites'));
  },
  async ALLOW_ANONYMOUS(run) {
    const without = run.start({ KUBECONFIG: UNREACHABLE, ALLOW_ANONYMOUS: 'false' });
    const url = await started(run, { KUBECONFIG: UNREACHABLE, ALLOW_ANONYMOUS: 'true' });
    expect((await post(url, IGNORED)).status).toBe(204);
    expect([await without.exit, without.stderr.join('')]).toEqual([
      2,
      expect.stringContaining('No callers are configured'),
    ]);
  },
  async ALLOWED_HOSTS(run) {
    const url = await started(run, { KUBECONFIG: UNREACHABLE, ALLOWED_HOSTS: 'Functions.test' });
    const statusFor = async (host: string) => {
      const sent = request(url, { method: 'POST', headers: { ...STRUCTURED, host } });
      sent.end(JSON.stringify(IGNORED));
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answer.resume();
      return answer.statusCode;
    };
    expect([await statusFor('functions.test:80'), await statusFor('other.test')]).toEqual([204, 403]);
  },
  async LOG_LEVEL(run) {
    const program = run.start({ KUBECONFIG: UNREACHABLE, LOG_LEVEL: 'warn', RESYNC_INTERVAL_SECONDS: '1' });
    // This line has the level error, and comes after the lines of lower levels.
    await program.line('Could not resync Websites');
    expect(program.lines.map(({ msg }) => msg)).not.toContain('Listening');
  },
};

/** Settings that Azure's own host reads, as the registration shows. */
const SHOWN_BY_AZURE: typeof SHOWN = {
  async RESYNC_SCHEDULE(run) {
    const { functions } = await run.start({}).line('Registered');
    expect(JSON.stringify(functions)).toContain('"schedule":"%RESYNC_SCHEDULE%"');
  },
  async EVENTS_QUEUE(run) {
    const [without, program] = [run.start({}), run.start({ EVENTS_QUEUE: 'websites' })];
    expect(JSON.stringify(await program.line('Registered'))).toContain('"queueName":"%EVENTS_QUEUE%"');
    expect(JSON.stringify(await without.line('Registered'))).not.toContain('EVENTS_QUEUE');
  },
};

const ROWS = [
  ...Object.entries({ ...SHOWN, ...SHOWN_BY_NODE }).map(([name, shows]) => ({ host: 'node' as const, name, shows })),
  ...Object.entries({ ...SHOWN, ...SHOWN_BY_AZURE }).map(([name, shows]) => ({ host: 'azure' as const, name, shows })),
];

it.concurrent.for(ROWS)('On $host, $name takes effect', async ({ host, shows }, { onTestFinished }) => {
  const ends: (() => unknown)[] = [];
  onTestFinished(async () => {
    for (const end of ends.toReversed()) await end();
  });
  const run: Run = {
    host,
    later: (end) => void ends.push(end),
    start(variables) {
      const program =
        host === 'node' ? startFunctions({ ...NO_RESYNCS, ...variables }) : startProgram(WORKER, [], variables);
      // This test does not check how the program ends, and unfinished work may take long.
      ends.push(() => program.process.kill('SIGKILL') && program.exit);
      return program;
    },
  };
  // With `resolves`, a failure would also count for the test that started last.
  expect(await shows(run)).toBeUndefined();
});

it('docs/functions.md lists every setting, and the tables above test each', () => {
  const shown = [SHOWN, SHOWN_BY_NODE, SHOWN_BY_AZURE].flatMap((table) => Object.keys(table)).toSorted();
  // Besides these settings, the entry points read variables that decide which functions are registered.
  const read = globSync('functions/**/*.ts').flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return [...text.matchAll(/process\.env\['(\w+)'\]|'%(\w+)%'/g)].map(([, name, other]) => name ?? other ?? '');
  });
  expect([...new Set([...SETTINGS, ...read])].toSorted()).toEqual(shown);
  const page = readFileSync('docs/functions.md', 'utf8');
  const settings = page.slice(page.indexOf('## Settings'), page.indexOf('## Which cluster'));
  const rows = [...settings.matchAll(/^\| (`[A-Z].*?) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/[A-Z_]{4,}/g) ?? [],
  );
  // The page leaves OpenTelemetry's other variables to its documentation.
  const ours = shown.filter((name) => !/^OTEL_(?!EXPORTER_OTLP_ENDPOINT$)/.test(name));
  expect(rows.toSorted()).toEqual(ours);
  const others = ['docs/deploy/azure.md', 'docs/metrics.md', 'docs/functions.md'].flatMap(
    (file) =>
      readFileSync(file, 'utf8').match(/(?<![\w.])(?:CALLER|HISTORY|KUBECONFIG|OTEL|ALLOW|WEBHOOK|REPLY)_\w+/g) ?? [],
  );
  // `test/bundle.program.test.ts` checks the list of OpenTelemetry's variables.
  const [, ofOpenTelemetry = ''] = readFileSync('docs/metrics.md', 'utf8').split("## OpenTelemetry's variables");
  expect([...shown, ...(ofOpenTelemetry.match(/OTEL_\w+/g) ?? [])]).toEqual(expect.arrayContaining(others));
});

/** Stands in each secret. */
const HUSH = 'hunter2-marker';
const WRONG = {
  KUBECONFIG: '/nowhere',
  KUBECONFIG_CONTENT: HUSH,
  KUBE_CONTEXT: 'x',
  CLUSTERS: `["${HUSH}"]`,
  PORT: 'x',
  LOG_LEVEL: 'loud',
  RESYNC_INTERVAL_SECONDS: '0.5',
  MAX_CONCURRENT: '1.5',
  CALLER_AUDIENCE: 'x',
  CALLER_JWKS_URL: `http://somebody:${HUSH}@keys.example.com/`,
  CALLER_SIGNING_SECRET: HUSH,
  ALLOW_ANONYMOUS: 'perhaps',
  ALLOWED_HOSTS: 'a:80',
  REPLY_EVENTS: 'perhaps',
  CLUSTER_NAME: 'the west',
  HISTORY_URL: `postgres://website:${HUSH}@/history`,
  HISTORY_DAYS: '0',
  OTEL_EXPORTER_OTLP_ENDPOINT: `collector/${HUSH}`,
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: HUSH,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: HUSH,
  OTEL_METRIC_EXPORT_INTERVAL: ' ',
  OTEL_TRACES_SAMPLER: 'xray',
  OTEL_TRACES_SAMPLER_ARG: '2',
  OTEL_BSP_SCHEDULE_DELAY: '0',
  OTEL_BSP_MAX_QUEUE_SIZE: 'many',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '0',
};
const PROBLEMS = [
  'KUBECONFIG and KUBECONFIG_CONTENT: set only one of them',
  'KUBE_CONTEXT and CLUSTERS: ',
  'CLUSTERS: must be an object',
  'PORT: must be a whole number from 0 to 65535',
  'LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
  'RESYNC_INTERVAL_SECONDS: must be 0, or at least 1 and at most 604800',
  'MAX_CONCURRENT: must be a whole number from 1 to 1000',
  'CALLER_AUDIENCE and CALLER_SUBJECTS: set both',
  'CALLER_ISSUER: must name the issuer',
  'CALLER_JWKS_URL: must be https',
  'CALLER_SIGNING_SECRET: must be Standard Webhooks secrets',
  'ALLOW_ANONYMOUS: must be true or false',
  'ALLOWED_HOSTS: must be host names',
  'REPLY_EVENTS: must be true or false',
  'CLUSTER_NAME: must be letters',
  'HISTORY_URL: must be postgres://',
  'HISTORY_DAYS: must be a whole number from 1 to 3650',
  'OTEL_EXPORTER_OTLP_ENDPOINT: must be an http or https URL',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: must be an http or https URL',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be an http or https URL',
  'OTEL_METRIC_EXPORT_INTERVAL: must be a whole number from 1 to 604800000',
  'OTEL_TRACES_SAMPLER: must be one of always_on, always_off, traceidratio, parentbased_always_on, ',
  'OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1',
  'OTEL_BSP_SCHEDULE_DELAY: must be a whole number from 1 to 3600000',
  'OTEL_BSP_MAX_QUEUE_SIZE: must be a whole number from 1 to 1000000',
  'OTEL_BSP_MAX_EXPORT_BATCH_SIZE: must be a whole number from 1 to 1000000',
];

it('Both hosts list all wrong settings at once, and quote no secret', async () => {
  const node = startFunctions(WRONG);
  const azure = startProgram(WORKER, [], WRONG);
  expect([await node.exit, node.text]).toEqual([2, []]);
  expect((await post(await urlOf(azure), IGNORED)).status).toBe(503);
  await azure.stop();
  for (const program of [node, azure]) {
    const said = [...program.text, ...program.stderr].join('\n');
    for (const problem of PROBLEMS) expect(said).toContain(problem);
    for (const noise of [HUSH, 'NaN', '    at ']) expect(said).not.toContain(noise);
  }
});
