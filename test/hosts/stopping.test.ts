// What the built programs do once they are asked to stop.
import { mkdtempSync, rmSync, writeFileSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type FaultProxy } from '../faults/proxy.ts';
import { findPostgres, startPostgres } from '../history/postgres-server.ts';
import { startSilentServer } from '../history/silent-server.ts';
import { startOtlpCollector } from '../otlp-collector.ts';
import { startForwarder, startFunctions, startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { withTimers } from '../timers.ts';

const found = findPostgres();
let admin: Transport;
let proxy: FaultProxy;
let folder: string;
let namespace: string;
const programs: Program[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stopping-'));
  proxy = await faultProxy(inject('functionsKubeconfig'));
  namespace = await createNamespace(admin, 'stopping');
});
afterEach(async () => {
  for (const program of programs.splice(0)) program.process.kill('SIGKILL');
  await removeWebsitesIn(admin, namespace);
  await proxy.close();
  rmSync(folder, { recursive: true });
});

const fileOf = () => join(folder, 'history.db');
const started = (program: Program): Program => {
  programs.push(program);
  return program;
};
const urlOf = async (program: Program): Promise<string> => String((await program.line('Listening'))['url']);
type Variables = Record<string, string>;
const settings = (): Variables => ({
  KUBECONFIG: proxy.kubeconfig,
  NAMESPACES: namespace,
  HISTORY_URL: `sqlite:${fileOf()}`,
});
const onNode = (variables: Variables = {}) =>
  started(startFunctions({ ...settings(), RESYNC_INTERVAL_SECONDS: '0', ...variables }));
/** On a busy machine, the time that Azure leaves may be too short. */
const onAzure = () =>
  started(startProgram('test/hosts/azure-worker.ts', [], { ...settings(), ...withTimers({ 1_500: 25_000 }) }));

function send(url: string, name: string, reason: string, signal?: AbortSignal): Promise<Response> {
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', namespace, name, uid: 'x', reason };
  const event = { id: '1', specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed', data };
  const headers = { 'content-type': 'application/cloudevents+json' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(event), signal: signal ?? null });
}

/** The records of the history, after the program has ended. */
function records(): { name: string; outcome: string }[] {
  const database = new DatabaseSync(fileOf());
  const rows = database.prepare('SELECT name, outcome FROM website_history ORDER BY name').all();
  database.close();
  return rows as ReturnType<typeof records>;
}

/** Keeps the programs from writing the history. @returns a function that ends this. */
function lockHistory(): () => void {
  const database = new DatabaseSync(fileOf());
  database.exec('BEGIN IMMEDIATE');
  return () => database.close();
}

/** Makes the API server wait before it creates a Deployment. */
function holdDeployments(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  proxy.add({ method: 'POST', path: /\/deployments/, fault: { until: promise } });
  return resolve;
}
const creations = () => proxy.requests.filter((request) => /^POST .*\/deployments/.test(request)).length;

describe.each<[string, (url: string) => Promise<Response> | undefined, () => Program]>([
  ['of the timer of the Node host', () => undefined, () => onNode({ RESYNC_INTERVAL_SECONDS: '1' })],
  ['for a request to the Node host', (url) => fetch(new URL('resync', url), { method: 'POST' }), onNode],
  ['on Azure', (url) => fetch(new URL('resync', url), { method: 'POST' }), onAzure],
])('A resync %s that is asked to stop', (where, ask, start) => {
  it('begins no further Website, and finishes those that it has begun', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `site-${index}`);
    for (const name of names) await createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 0 });
    const release = holdDeployments();
    const program = start();
    const answer = ask(await urlOf(program))?.catch(() => undefined);
    // One namespace has 12 of the 16 places.
    await eventually(() => expect(creations()).toBe(12));
    program.process.kill('SIGTERM');
    await program.line('Stopping');
    release();
    expect(await program.exit).toBe(0);
    expect(creations()).toBe(12);
    const done: string[] = [];
    for (const name of names) {
      const deployment = await kubernetes(admin).getChild('Deployment', { namespace, name });
      const website = await kubernetes(admin).getWebsite({ namespace, name });
      if (deployment !== undefined) done.push(name);
      expect([name, website?.status?.observedGeneration]).toEqual([name, deployment === undefined ? undefined : 1]);
    }
    expect(done).toHaveLength(12);
    expect(records().map(({ name }) => name)).toEqual(done.toSorted());
    expect(records().filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    await answer;
    // On Azure, a timer has no answer, and the host has the log.
    if (where.includes('Azure')) return;
    expect([undefined, 503]).toContain((await answer)?.status);
    expect(await program.line('Resynced Websites')).toMatchObject({ failed: 0, unreached: 0, unfinished: 18 });
  });
});

it.each([
  ['the Node host', onNode],
  ['the Azure host', onAzure],
])('A run that %s has begun is recorded, although the host is asked to stop', async (_, start) => {
  await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  const release = holdDeployments();
  const program = start();
  const answer = send(await urlOf(program), 'shop', 'spec-changed').catch(() => undefined);
  await eventually(() => expect(creations()).toBe(1));
  program.process.kill('SIGTERM');
  await program.line('Stopping');
  release();
  await answer;
  expect(await program.exit).toBe(0);
  expect(records()).toMatchObject([{ name: 'shop', outcome: 'waiting' }]);
});

it('A run whose sender is gone is finished and recorded, although the Node host is asked to stop', async () => {
  await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  const release = holdDeployments();
  const program = onNode();
  const leaving = new AbortController();
  const url = await urlOf(program);
  const answer = send(url, 'shop', 'retry', leaving.signal);
  await eventually(() => expect(creations()).toBe(1));
  leaving.abort();
  await expect(answer).rejects.toThrow('aborted');
  program.process.kill('SIGTERM');
  await program.line('Stopping');
  release();
  expect(await program.exit).toBe(0);
  expect(records()).toMatchObject([{ name: 'shop', outcome: 'waiting' }]);
});

describe('With work that does not end, the Node host ends with 1 after its patience, and', () => {
  let program: Program;
  let unlock: () => void;
  /** No test waits for the whole time. */
  const IMPATIENT = withTimers({ 25_000: 100, 29_000: 1_000 });
  const start = async (variables: Variables = {}) => {
    program = onNode({ ...IMPATIENT, ...variables });
    return urlOf(program);
  };
  /** Three records wait, and a run hangs. An event about a deleted Website leads to no call. */
  const stopIn = async (url: string) => {
    for (const name of ['one', 'two', 'three']) expect((await send(url, name, 'deleted')).status).toBe(204);
    proxy.add({ path: /./, fault: { freeze: true } });
    send(url, 'hangs', 'spec-changed').catch(() => {});
    await eventually(() => expect(proxy.requests).not.toEqual([]));
    program.process.kill('SIGTERM');
    await program.line('Stopping');
  };
  const stopWhileLocked = async (variables: Variables = {}) => {
    const url = await start(variables);
    await eventually(() => expect(existsSync(fileOf())).toBe(true));
    unlock = lockHistory();
    await stopIn(url);
  };

  it('writes the records that waited in memory', async () => {
    // The history is free again before the end of its time, which may be short on a busy machine.
    await stopWhileLocked(withTimers({ 25_000: 100 }));
    unlock();
    expect(await program.exit).toBe(1);
    expect(records().map(({ name }) => name)).toEqual(['one', 'three', 'two']);
    expect(await program.line('Stopped before all work was finished')).toMatchObject({ running: 1 });
    // The run failed because the host closed its connections, which is no news, and no fault of the API server.
    expect(program.lines.filter(({ msg }) => msg === 'Could not reconcile Website')).toMatchObject([
      { level: 30, code: 'Stopped' },
    ]);
  });

  it('says how many records it has lost', async () => {
    await stopWhileLocked();
    expect(await program.exit).toBe(1);
    unlock();
    expect(await program.line('Stopped before all history was written')).toMatchObject({ dropped: 3, unconfirmed: 0 });
  });

  it('does not wait for a database that hangs longer than Kubernetes waits for the host', async () => {
    const silent = await startSilentServer();
    onTestFinished(() => silent.close());
    await stopIn(await start({ HISTORY_URL: `postgres://u:p@127.0.0.1:${silent.port}/history` }));
    expect(await program.exit).toBe(1);
    const said = program.lines.map(({ msg }) => msg);
    expect(said).toContain('Stopped before all work was finished');
    expect(said).not.toContain('Stopped before all history was written');
  });
});

it.runIf('bin' in found)('The last metrics of the Node host count the records that were written last', async () => {
  const postgres = await startPostgres('bin' in found ? found.bin : '');
  onTestFinished(() => postgres.remove());
  const collector = await startOtlpCollector();
  onTestFinished(() => collector.close());
  const program = onNode({
    HISTORY_URL: await postgres.database('metrics'),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_METRIC_EXPORT_INTERVAL: '3600000',
  });
  const url = await urlOf(program);
  const kept = async () => {
    const answer = await fetch(new URL(`history?namespace=${namespace}`, url));
    return ((await answer.json()) as { records: unknown[] }).records;
  };
  expect((await send(url, 'first', 'deleted')).status).toBe(204);
  await eventually(async () => expect(await kept()).toHaveLength(1));
  const release = await postgres.hold('metrics', 'LOCK TABLE website_history IN ACCESS EXCLUSIVE MODE');
  for (const name of ['second', 'third']) expect((await send(url, name, 'deleted')).status).toBe(204);
  program.process.kill('SIGTERM');
  await program.line('Stopping');
  await release();
  expect(await program.exit).toBe(0);
  const sent = JSON.stringify(collector.received);
  expect(/"website\.history\.records".*?"asInt":"?(\d+)/.exec(sent)?.[1]).toBe('3');
});

const BOTH: [string, (variables: Variables) => Program][] = [
  ['the Node host', (variables) => startFunctions({ RESYNC_INTERVAL_SECONDS: '0', ...variables })],
  [
    'the forwarder',
    (variables) => startForwarder(['--host=127.0.0.1', '--port=0'], { SINK: 'http://127.0.0.1:9/', ...variables }),
  ],
];

describe.each(BOTH)('A signal ends %s', (_, start) => {
  it.each(['SIGTERM', 'SIGINT'] as const)('in good order before it listens: %s', async (signal) => {
    // The program waits for this plugin, which says that it runs.
    const sign = join(folder, 'pid');
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'sh',
      args: ['-c', `echo $$ > ${sign}.new; mv ${sign}.new ${sign}; exec sleep 600`],
      interactiveMode: 'Never',
    };
    const kubeconfig = join(folder, 'kubeconfig');
    const config = {
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'u', user: { exec } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const program = started(start({ KUBECONFIG: kubeconfig }));
    await eventually(() => expect(existsSync(sign)).toBe(true));
    program.process.kill(signal);
    const code = await program.exit;
    process.kill(Number(readFileSync(sign, 'utf8')));
    expect([code, program.lines.map(({ msg }) => msg)]).toEqual([0, ['Stopping']]);
  });
});

it.each([
  ['SIGTERM', 'SIGTERM'],
  ['SIGTERM', 'SIGINT'],
  ['SIGINT', 'SIGINT'],
] as const)('After %s, the Node host finishes its work, although %s follows', async (first, second) => {
  await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  const release = holdDeployments();
  const program = onNode();
  const answer = send(await urlOf(program), 'shop', 'spec-changed');
  await eventually(() => expect(creations()).toBe(1));
  program.process.kill(first);
  await program.line('Stopping');
  program.process.kill(second);
  release();
  expect((await answer).status).toBe(204);
  expect(await program.exit).toBe(0);
  expect(records()).toMatchObject([{ name: 'shop', outcome: 'waiting' }]);
});
