// The history of both built hosts, in both databases.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { signedQuery } from '../../functions/callers/callers.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { website } from '../cli/cli.ts';
import { eventually } from '../eventually.ts';
import { findPostgres, PASSWORD, startPostgres, type PostgresServer } from '../history/postgres-server.ts';
import { startSilentServer } from '../history/silent-server.ts';
import { startFunctions, startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite, patch, removeWebsitesIn } from '../real-cluster.ts';

const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const found = findPostgres();
const folder = mkdtempSync(join(tmpdir(), 'history-'));
let postgres: PostgresServer | undefined;
let admin: Transport;
let namespace: string;
const programs: Program[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'history');
  if ('bin' in found) postgres = await startPostgres(found.bin);
  else process.stderr.write(`Skipped the tests of PostgreSQL: ${found.missing}\n`);
});
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});
afterAll(async () => {
  await removeWebsitesIn(admin, namespace);
  await Promise.all([admin.close(), postgres?.remove()]);
  rmSync(folder, { recursive: true });
});

type Host = 'node' | 'azure';
async function start(host: Host, variables: Record<string, string>): Promise<{ program: Program; url: string }> {
  const given = { KUBECONFIG: inject('functionsKubeconfig'), ...variables };
  const program =
    host === 'node'
      ? startFunctions({ RESYNC_INTERVAL_SECONDS: '0', ...given })
      : startProgram('test/hosts/azure-worker.ts', [], given);
  programs.push(program);
  return { program, url: String((await program.line('Listening'))['url']) };
}

async function send(url: string, name: string, reason: string, id = '1'): Promise<number> {
  return (await answerTo(url, name, reason, id)).status;
}
async function answerTo(url: string, name: string, reason: string, id: string): Promise<Response> {
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', namespace, name, uid: 'x', reason };
  const event = { id, specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed', data };
  return fetch(url, { method: 'POST', headers: STRUCTURED, body: JSON.stringify(event) });
}

interface Answer {
  readonly records: readonly Record<string, unknown>[];
  readonly next?: string;
}
async function list(url: string, search: string): Promise<Answer> {
  const response = await fetch(new URL(`history?${search}`, url));
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
  return (await response.json()) as Answer;
}

const said = ({ text, stderr }: Program) => [...text, ...stderr].join('\n');

/** What the history has about a Website, once it has something. A reply waits only 200 ms for its record. */
const kept = async (url: string, name: string): Promise<Answer['records']> =>
  eventually(async () => {
    const { records } = await list(url, `namespace=${namespace}&name=${name}`);
    expect(records).not.toEqual([]);
    return records;
  });

const HOSTS = ['node', 'azure'] as const;
const CASES = HOSTS.flatMap((host) => (['sqlite', 'postgres'] as const).map((store) => ({ host, store })));

describe.each(CASES)('On $host, with $store', ({ host, store }) => {
  const isThere = store === 'sqlite' || 'bin' in found;
  it.runIf(isThere)('the history outlives the process, and says what was done and why', async () => {
    const began = Date.now();
    const name = `shop-${host}-${store}`;
    const file = join(folder, `${host}.db`);
    const address = store === 'sqlite' ? `sqlite:${file}` : ((await postgres?.database(`${host}_history`)) ?? '');
    const first = await start(host, { HISTORY_URL: address, CLUSTER_NAME: 'west' });
    await createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 0 });
    expect(await send(first.url, name, 'spec-changed', 'uid.1')).toBe(204);
    const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}-deployment`;
    await patch(admin, `${deployment}?fieldManager=kubectl-scale`, { spec: { replicas: 3 } });
    expect(await send(first.url, name, 'child-drifted', 'uid.2')).toBe(204);
    // The controllers of the cluster take a moment. Then there is nothing to do or to record.
    await eventually(async () =>
      expect((await answerTo(first.url, name, 'retry', 'uid.3')).headers.get('website-actions')).toBe(''),
    );
    expect(await send(first.url, name, 'retry', 'uid.4')).toBe(204);
    expect(await first.program.stop()).toBe(0);

    const { url, program } = await start(host, { HISTORY_URL: address });
    const about = `namespace=${namespace}&name=${name}`;
    const all = (await list(url, about)).records;
    expect(all.filter(({ actions }) => String(actions) === '')).toEqual([]);
    const since = all.findIndex(({ eventId }) => eventId === 'uid.2');
    const page = await list(url, `${about}&limit=${since + 1}`);
    expect(page.records.slice(since)).toMatchObject([
      {
        cluster: 'west',
        namespace,
        name,
        eventId: 'uid.2',
        eventReason: 'child-drifted',
        actions: expect.arrayContaining(['replace Deployment']) as string[],
        changed: ['Deployment spec.replicas'],
      },
    ]);
    const printed = await website(['history', name, '-n', namespace, '--from', String(new URL('history', url))], {
      KUBECONFIG: inject('kubeconfig'),
    });
    expect(printed).toMatchObject({ code: 0, error: '' });
    expect(printed.out).toMatch(/a child changed +\w+ +\w+ +.*update Deployment.* +Deployment spec\.replicas +\d/);
    const rest = await list(url, `${about}&before=${page.next}`);
    expect(rest.records).toMatchObject([
      { eventId: 'uid.1', actions: ['create Deployment', 'create Service', 'update status'], changed: [] },
    ]);
    expect(Date.parse(String(rest.records[0]?.['time']))).toBeGreaterThanOrEqual(began);
    expect(said(program)).not.toContain('Could not');
    expect(said(program)).not.toContain(PASSWORD);
  });
});

describe.each(HOSTS)('The functions on %s keep answering with a store that', (host) => {
  it.runIf('bin' in found)('is stopped', async () => {
    const address = (await postgres?.database(`${host}_stopped`)) ?? '';
    const { program, url } = await start(host, { HISTORY_URL: address });
    expect(await send(url, 'before', 'deleted')).toBe(204);
    const before = await kept(url, 'before');
    await postgres?.stop();
    for (const name of ['one', 'two', 'three']) expect(await send(url, name, 'deleted')).toBe(204);
    const answer = await fetch(new URL('history', url));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    await eventually(() => expect(said(program)).toContain('Could not write history'));
    await eventually(() => expect(said(program)).toContain('Could not read history'));
    await postgres?.start();
    expect(await kept(url, 'before')).toEqual(before);
    // It also gets what it missed, each record once.
    for (const name of ['one', 'two', 'three']) expect(await kept(url, name)).toHaveLength(1);
    expect(said(program)).not.toContain(PASSWORD);
  });

  it.runIf('bin' in found)('is slow, and keep the records, even if they are asked to stop', async () => {
    const database = `${host}_slow`;
    const address = (await postgres?.database(database)) ?? '';
    const first = await start(host, { HISTORY_URL: address });
    expect(await send(first.url, 'before', 'deleted')).toBe(204);
    await kept(first.url, 'before');
    const release = await postgres?.hold(database, 'LOCK TABLE website_history IN ACCESS EXCLUSIVE MODE');
    for (const name of ['one', 'two', 'three']) expect(await send(first.url, name, 'deleted')).toBe(204);
    await release?.();
    expect(await first.program.stop()).toBe(0);
    const { url } = await start(host, { HISTORY_URL: address });
    for (const name of ['one', 'two', 'three']) expect(await kept(url, name)).toHaveLength(1);
  });

  it('hangs, which does not slow down later replies', async () => {
    const silent = await startSilentServer();
    const address = `postgres://website:${PASSWORD}@127.0.0.1:${silent.port}/history`;
    const { program, url } = await start(host, { HISTORY_URL: address });
    await createWebsite(admin, { namespace, name: `hangs-${host}` }, { image: 'nginx:1', replicas: 0 });
    const begin = performance.now();
    expect(await send(url, `hangs-${host}`, 'spec-changed')).toBe(204);
    for (let index = 0; index < 20; index++) expect(await send(url, `n${index}`, 'deleted')).toBe(204);
    await eventually(() => expect(said(program)).toContain('did not answer within 3000 ms'));
    // Each attempt writes a log line, and after a failed attempt there is none for ten seconds.
    const attempts = said(program).split('Could not write history').length - 1;
    expect(attempts).toBeLessThanOrEqual(1 + Math.floor((performance.now() - begin) / 10_000));
    expect(said(program)).not.toContain(PASSWORD);
    silent.close();
  });

  it('is a file in a missing folder', async () => {
    const { program, url } = await start(host, { HISTORY_URL: `sqlite:${folder}/nowhere/history.db` });
    expect(await send(url, 'one', 'deleted')).toBe(204);
    await eventually(() => expect(said(program)).toContain('Could not open history'));
    await eventually(() => expect(said(program)).toContain('Could not write history'));
  });
});

describe.each(HOSTS)('The history of the functions on %s', (host) => {
  const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const signed = (search: string, body: string) => {
    const at = new Date();
    const signature = new Webhook(secret).sign('1', at, body);
    const headers = {
      'webhook-id': '1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': signature,
    };
    return { search, headers };
  };

  it('requires credentials, and a signature is valid only for its own query', async () => {
    const { url } = await start(host, {
      HISTORY_URL: `sqlite:${folder}/callers-${host}.db`,
      CALLER_SIGNING_SECRET: secret,
      ALLOW_ANONYMOUS: '',
    });
    const ask = async ({ search, headers }: ReturnType<typeof signed>) =>
      (await fetch(new URL(`history${search}`, url), { headers })).status;
    const query = '?namespace=team-a&limit=5';
    expect(await ask({ search: query, headers: {} as ReturnType<typeof signed>['headers'] })).toBe(401);
    expect(await ask(signed(query, signedQuery(query)))).toBe(200);
    expect(await ask(signed('', signedQuery('')))).toBe(200);
    expect(await ask(signed('?namespace=team-b', signedQuery(query)))).toBe(401);
    // The signature of a resync request.
    expect(await ask(signed('', ''))).toBe(401);
    // The signature of a query is not valid for an event either.
    const { headers } = signed(query, signedQuery(query));
    const event = await fetch(url, {
      method: 'POST',
      headers: { ...STRUCTURED, ...headers },
      body: signedQuery(query),
    });
    expect(event.status).toBe(400);
  });
});

it('The Node host answers 405 to other methods on /history, and 404 if no history is configured', async () => {
  const { url } = await start('node', {});
  const asked = (path: string, method: string) => fetch(new URL(path, url), { method });
  const refused = await asked('history', 'POST');
  expect([refused.status, refused.headers.get('content-type'), refused.headers.get('allow')]).toEqual([
    405,
    'application/problem+json',
    'GET',
  ]);
  expect((await asked('history?x=1', 'GET')).status).toBe(404);
  expect(await (await asked('histories', 'GET')).text()).toContain('The paths are /, /resync, /history');
});
