import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { faultProxy, type Fault } from '../faults/proxy.ts';
import { startOtlpCollector } from '../otlp-collector.ts';
import { startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';
import type { Invoked } from './azure-worker.ts';
import { describeHost } from './suite.ts';

const WORKER = 'test/hosts/azure-worker.ts';
const QUEUE = { EVENTS_QUEUE: 'website-events' };

describeHost('The Azure host', (environment) => startProgram(WORKER, [], environment));

/** The registered functions with their bindings, and the hooks. */
async function registered(settings: Record<string, string>) {
  const program = startProgram(WORKER, [], settings);
  const { functions, hooks } = (await program.line('Registered')) as unknown as {
    functions: { name: string; bindings: Record<string, object> }[];
    hooks: string[];
  };
  expect(await program.stop()).toBe(0);
  const bindings = functions.map((one) => [one.name, Object.values(one.bindings)] as const);
  return { functions: Object.fromEntries(bindings), hooks };
}

const ALWAYS = {
  reconcileWebsite: [
    expect.objectContaining({
      type: 'httpTrigger',
      authLevel: 'function',
      methods: ['POST', 'OPTIONS'],
      route: 'websites',
    }),
    expect.objectContaining({ type: 'http', direction: 'out' }),
  ],
  listHistory: [
    expect.objectContaining({ type: 'httpTrigger', authLevel: 'function', methods: ['GET'], route: 'history' }),
    expect.objectContaining({ type: 'http', direction: 'out' }),
  ],
  reconcileWebsiteFromEventGrid: [expect.objectContaining({ type: 'eventGridTrigger' })],
  resyncWebsites: [
    expect.objectContaining({ type: 'timerTrigger', schedule: '%RESYNC_SCHEDULE%', runOnStartup: false }),
  ],
};
const FROM_QUEUE = {
  reconcileWebsiteFromQueue: [
    expect.objectContaining({
      type: 'queueTrigger',
      queueName: '%EVENTS_QUEUE%',
      connection: 'AzureWebJobsStorage',
    }),
  ],
};

it('Without settings or a cluster, the package registers exactly these functions, whose HTTP triggers require a key', async () => {
  const { functions, hooks } = await registered({});
  expect(functions).toEqual(ALWAYS);
  expect(hooks).toEqual(['appStart', 'appTerminate']);
});

it('With EVENTS_QUEUE, the package also registers the queue trigger', async () => {
  expect((await registered(QUEUE)).functions).toEqual({ ...ALWAYS, ...FROM_QUEUE });
});

const { Values } = JSON.parse(readFileSync('local.settings.example.json', 'utf8')) as {
  Values: Record<string, string>;
};

it('With an empty EVENTS_QUEUE, as in local.settings.example.json, the package registers no queue trigger', async () => {
  expect((await registered(Values)).functions).toEqual(ALWAYS);
});

it("local.settings.example.json has the host's own settings and each setting that docs/functions.md lists for both hosts", () => {
  expect(Values).toMatchObject({
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    RESYNC_SCHEDULE: expect.stringMatching(/^(\S+ ){5}\S+$/) as string,
  });
  const [table = ''] = readFileSync('docs/functions.md', 'utf8').split('The Node host alone');
  const rows = table.split('\n').filter((row) => row.startsWith('| `'));
  const documented = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(documented).toContain('KUBECONFIG');
  expect(Object.keys(Values)).toEqual(expect.arrayContaining(documented));
});

it('The name of each function can be disabled by a setting on Linux', async () => {
  const { functions } = await registered(QUEUE);
  for (const name of Object.keys(functions)) expect(name).toMatch(/^[A-Za-z]\w*$/);
});

it('The host reports a missing kubeconfig at its start and in each invocation until the file exists', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'azure-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const program = startProgram(WORKER, [], { KUBECONFIG: kubeconfig });
  expect((await invoke(program, 'resyncWebsites', json({}))).error).toContain(kubeconfig);
  expect(program.stderr.join('')).toContain('Could not connect to the cluster');
  copyFileSync(inject('functionsKubeconfig'), kubeconfig);
  expect((await invoke(program, 'resyncWebsites', json({}))).error).toBeUndefined();
  expect(await program.stop()).toBe(0);
  rmSync(folder, { recursive: true });
});

/** Runs a function of a program. @returns the error, if there is one, and the log as `level msg`. */
async function invoke(program: Program, name: string, data: object): Promise<{ error?: string; said: string[] }> {
  const url = new URL(`invoke/${name}`, String((await program.line('Listening'))['url']));
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ data }) });
  const { logs, ...rest } = (await response.json()) as Invoked;
  return {
    ...rest,
    said: logs.map(({ level, message }) => `${level} ${(JSON.parse(message) as { msg: string }).msg}`),
  };
}

const eventFor = (namespace: string, given: object = {}) => ({
  id: 'uid.1',
  specversion: '1.0',
  source: '/clusters/test/apis/stable.example.com/v1',
  type: 'com.example.stable.website.changed',
  data: { apiVersion: 'stable.example.com/v1', kind: 'Website', namespace, name: 'shop', uid: 'x', reason: 'retry' },
  ...given,
});
const text = (value: unknown) => ({ string: JSON.stringify(value) });
const json = (value: unknown) => ({ json: JSON.stringify(value) });

describe('An invocation on Azure', () => {
  let admin: Transport;
  let namespace: string;
  let program: Program;

  beforeAll(async () => {
    admin = await connect({ kubeconfig: inject('kubeconfig') });
    namespace = await createNamespace(admin, 'azure');
    await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
    program = startProgram(WORKER, [], { KUBECONFIG: inject('functionsKubeconfig'), ...QUEUE });
  });
  afterAll(async () => {
    await removeWebsitesIn(admin, namespace);
    await Promise.all([program.stop(), admin.close()]);
  });

  it.each([
    ['reconcileWebsiteFromQueue', 'a message', text],
    ['reconcileWebsiteFromEventGrid', 'a CloudEvent as text', text],
    ['reconcileWebsiteFromEventGrid', 'a CloudEvent as JSON', json],
  ])('of %s accepts %s', async (name, _, typed) => {
    expect(await invoke(program, name, typed(eventFor(namespace)))).toEqual({
      said: ['information Reconciled Website'],
    });
  });

  it.each(['reconcileWebsiteFromQueue', 'reconcileWebsiteFromEventGrid'])(
    'of %s fails on unreadable input, and the error names the field but quotes no content',
    async (name) => {
      const failure = async (data: object) => (await invoke(program, name, data)).error;
      expect(await failure(text(eventFor(namespace, { id: '' })))).toContain('CloudEvent id: must not be empty');
      expect(await failure(text(eventFor(namespace, { data: {} })))).toContain('data.apiVersion');
      const garbage = await failure({ string: 'hush-0123456789' });
      expect(garbage).toContain('CloudEvent event');
      expect(garbage).not.toContain('hush');
    },
  );

  it('of the timer resyncs, and logs when it is late', async () => {
    const tick = (given: object) => invoke(program, 'resyncWebsites', json(given));
    const schedule = { Schedule: { AdjustForDST: true } };
    const status = { Last: '2026-01-01T00:00:00Z', Next: '2026-01-01T00:10:00Z', LastUpdated: '2026-01-01T00:00:00Z' };
    const onTime = await tick({ ...schedule, ScheduleStatus: status, IsPastDue: false });
    expect(onTime.error).toBeUndefined();
    expect(onTime.said).toContain('information Resynced Websites');
    expect(onTime.said).not.toContain('warning Resync is late');
    const late = await tick({ ...schedule, ScheduleStatus: null, IsPastDue: true });
    expect(late.said).toContain('warning Resync is late');
    expect(late.said).toContain('information Resynced Websites');
  });
});

it('The log of an invocation says whom it refused, and why. The log of the host counts the lines that were left out', async () => {
  const audience = { CALLER_AUDIENCE: 'website-functions', CALLER_SUBJECTS: 'x' };
  const signing = { CALLER_SIGNING_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}` };
  const program = startProgram(WORKER, [], { KUBECONFIG: inject('functionsKubeconfig'), ...audience, ...signing });
  const send = (headers: object) => {
    const nullableHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { value }]));
    const http = { method: 'POST', url: 'http://localhost/api/websites', body: { string: 'x' }, nullableHeaders };
    return invoke(program, 'reconcileWebsite', { http });
  };
  for (const headers of [{}, { authorization: 'Bearer x' }, { 'webhook-signature': 'v1,x' }])
    expect(await send(headers)).toEqual({ said: ['warning Refused caller'] });
  expect(program.stderr.join('')).toBe('');
  await Promise.all(Array.from({ length: 22 }, () => send({})));
  expect(await program.stop()).toBe(0);
  expect(program.stderr.join('')).toContain(
    '{"msg":"Left out lines","line":"Refused caller","problem":"no credentials","leftOut":3}',
  );
});

it.each<[string, Fault, string | undefined]>([
  [
    'fails if the cluster did not answer for one',
    { answer: 503 },
    '1 Websites could not be reached, 0 were left for the next resync',
  ],
  ['succeeds if one failed for a reason of its own', { answer: 500 }, undefined],
])('The timer reconciles the other Websites and then %s', async (_, fault, message) => {
  const admin = await connect({ kubeconfig: inject('kubeconfig') });
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  const namespace = await createNamespace(admin, 'azure');
  for (const name of ['failing', 'fine'])
    await createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 0 });
  proxy.add({ method: 'GET', path: /websites\/failing/, fault });
  const program = startProgram(WORKER, [], { KUBECONFIG: proxy.kubeconfig });
  const { error } = await invoke(program, 'resyncWebsites', json({ IsPastDue: false }));
  if (message === undefined) expect(error).toBeUndefined();
  else expect(error).toContain(message);
  expect(await kubernetes(admin).getChild('Service', { namespace, name: 'fine' })).toBeDefined();
  await removeWebsitesIn(admin, namespace);
  await Promise.all([program.stop(), proxy.close(), admin.close()]);
});

it('The Azure host sends its metrics to OTEL_EXPORTER_OTLP_ENDPOINT, at the latest when the instance ends', async () => {
  const collector = await startOtlpCollector();
  const program = startProgram(WORKER, [], {
    KUBECONFIG: inject('functionsKubeconfig'),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_METRIC_EXPORT_INTERVAL: '3600000',
  });
  const data = text(eventFor('default', { id: 'metrics' }));
  expect((await invoke(program, 'reconcileWebsiteFromEventGrid', data)).error).toBeUndefined();
  expect(await program.stop()).toBe(0);
  expect(JSON.stringify(collector.received)).toContain('website.reconcile.duration');
  collector.close();
});

it('An invocation fails while the cluster cannot be reached, so that the host tries again or reports it', async () => {
  const program = startProgram(WORKER, [], { KUBECONFIG: 'test/fixtures/unreachable.kubeconfig', ...QUEUE });
  const event = await invoke(program, 'reconcileWebsiteFromQueue', text(eventFor('a')));
  expect(event.error).toContain('The API server could not be reached');
  expect(event.said).toEqual(['warning Could not reconcile Website']);
  expect((await invoke(program, 'resyncWebsites', json({ IsPastDue: false }))).error).toContain('Could not list');
  expect(await program.stop()).toBe(0);
});
