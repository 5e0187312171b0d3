// Behavior of the Node host alone. suite.ts has the behavior of every host, and image.test.ts runs it.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, inject, it } from 'vitest';
import { connect as connectTo } from '../../functions/cluster/transport.ts';
import type { Reason } from '../../functions/events/website-event.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import type { Statusz } from '../../functions/statusz.ts';
import { VERSION } from '../../functions/version.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type Fault } from '../faults/proxy.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { startFunctions } from '../program.ts';

const STRUCTURED = { 'content-type': 'application/cloudevents+json' };

/** Sends an event about a Website. */
async function send(
  url: string,
  key: WebsiteKey,
  more: Record<string, string> = {},
  reason: Reason = 'retry',
): Promise<Response> {
  const data = { apiVersion: 'stable.example.com/v1', kind: 'Website', ...key, uid: 'x', reason };
  const event = { id: '1', specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed', data };
  const headers = { ...STRUCTURED, ...more };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(event) });
}

it('/statusz states the release, the limits and the time of the last complete resync', async () => {
  const admin = await connectTo({ kubeconfig: inject('kubeconfig') });
  const namespace = await createNamespace(admin, 'statusz');
  await admin.close();
  const variables = { NAMESPACES: namespace, RESYNC_INTERVAL_SECONDS: '0' };
  const program = startFunctions({ KUBECONFIG: inject('functionsKubeconfig'), ...variables });
  const url = String((await program.line('Listening'))['url']);
  const asked = async () => (await (await fetch(new URL('/statusz', url))).json()) as Statusz;
  const first = await asked();
  expect(first).toMatchObject({ version: VERSION, namespaces: [namespace], resync: { intervalSeconds: 0 } });
  expect(first.resync).not.toHaveProperty('lastCompleteAt');
  expect((await fetch(new URL('/resync', url), { method: 'POST' })).status).toBe(204);
  const { startedAt, resync } = await asked();
  expect(startedAt).toBe(first.startedAt);
  expect(Date.parse(resync?.lastCompleteAt ?? '')).toBeGreaterThanOrEqual(Date.parse(startedAt));
  await program.stop();
});

it('The error names every wrong variable, and the exit code is 2', async () => {
  const program = startFunctions({ PORT: 'x', LOG_LEVEL: 'loud', MAX_CONCURRENT: '0' });
  expect(await program.exit).toBe(2);
  for (const variable of ['PORT', 'LOG_LEVEL', 'MAX_CONCURRENT'])
    expect(program.stderr.join('')).toContain(`${variable}: `);
});

it('The error about a busy port says what to do', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const PORT = String((blocker.address() as AddressInfo).port);
  const program = startFunctions({ KUBECONFIG: inject('functionsKubeconfig'), PORT });
  expect(await program.exit).toBe(1);
  expect(program.stderr.join('')).toContain(`port ${PORT}: the port is in use. Set PORT to another`);
  blocker.close();
});

it('The error names a kubeconfig that cannot be read', async () => {
  const program = startFunctions({ KUBECONFIG: '/nowhere/kubeconfig' });
  expect(await program.exit).toBe(1);
  expect(program.stderr.join('')).toContain('/nowhere/kubeconfig');
});

it('The Node host keeps answering while its log is not read, and a later reader gets all of it', async () => {
  const program = startFunctions({ KUBECONFIG: 'test/fixtures/unreachable.kubeconfig', LOG_LEVEL: 'debug' });
  const url = String((await program.line('Listening'))['url']);
  program.process.stdout?.pause();
  const event = { id: '1', specversion: '1.0', source: '/x', type: 'of no interest' };
  const body = JSON.stringify(Array.from({ length: 100 }, () => event));
  const headers = { 'content-type': 'application/cloudevents-batch+json' };
  // Far more lines than a pipe can buffer.
  for (let batch = 0; batch < 50; batch++) {
    const signal = AbortSignal.timeout(20_000);
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  }
  program.process.stdout?.resume();
  await eventually(() => expect(program.lines.filter(({ msg }) => msg === 'Ignored event')).toHaveLength(5_000));
  expect(await program.stop()).toBe(0);
});

it('The Node host answers 503 with Retry-After while the cluster cannot be reached', async () => {
  const program = startFunctions({
    KUBECONFIG: 'test/fixtures/unreachable.kubeconfig',
  });
  const url = String((await program.line('Listening'))['url']);
  const response = await send(url, { namespace: 'a', name: 'b' });
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await program.stop()).toBe(0);
});

it.each<[string, Fault | undefined]>([
  ['opens a connection before its first event', undefined],
  ['says nothing if the early connection breaks', { drop: 'before' }],
  ['says nothing if the early connection gets 401', { answer: 401 }],
  ['does not wait for an early connection that hangs', { freeze: true }],
])('The Node host %s', async (_, fault) => {
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  if (fault !== undefined) proxy.add({ path: /version/, fault });
  const program = startFunctions({ KUBECONFIG: proxy.kubeconfig, RESYNC_INTERVAL_SECONDS: '0' });
  const url = String((await program.line('Listening'))['url']);
  await eventually(() => expect(proxy.opened()).toBeGreaterThan(0));
  expect(proxy.requests).toEqual([]);
  expect((await send(url, { namespace: 'default', name: 'missing' })).status).toBe(204);
  expect(await program.stop()).toBe(0);
  expect(program.lines.map(({ msg }) => msg)).toEqual(['Listening', 'Reconciled Website', 'Stopping']);
  expect(program.stderr).toEqual([]);
  await proxy.close();
});

it('The Node host answers 429 with Retry-After while MAX_CONCURRENT requests are at work, and accepts more afterwards', async () => {
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  proxy.add({ path: /./, fault: { freeze: true } });
  const program = startFunctions({
    KUBECONFIG: proxy.kubeconfig,
    MAX_CONCURRENT: '2',
  });
  const url = String((await program.line('Listening'))['url']);
  const key = { namespace: 'default', name: 'missing' };
  const atWork = [send(url, key), send(url, key)];
  await eventually(() => expect(proxy.requests.length).toBeGreaterThanOrEqual(4));
  const turnedAway = await send(url, key);
  expect([turnedAway.status, turnedAway.headers.get('retry-after')]).toEqual([429, '1']);
  expect((await fetch(new URL('resync', url), { method: 'POST' })).status).toBe(429);
  expect((await fetch(new URL('livez', url))).status).toBe(200);
  proxy.heal();
  expect((await Promise.all(atWork)).map(({ status }) => status)).toEqual([503, 503]);
  expect((await send(url, key)).status).toBe(204);
  expect(await program.stop()).toBe(0);
  await proxy.close();
});

it('The Node host makes no request about a deleted Website, because the garbage collector does the rest', async () => {
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  const program = startFunctions({ KUBECONFIG: proxy.kubeconfig, RESYNC_INTERVAL_SECONDS: '0' });
  const url = String((await program.line('Listening'))['url']);
  const key = { namespace: 'default', name: 'missing' };
  const [deleted, other] = [await send(url, key, {}, 'deleted'), proxy.requests.length];
  expect([deleted.status, deleted.headers.get('website-outcome'), other]).toEqual([204, 'gone', 0]);
  // The proxy counts requests: this event leads to some.
  await send(url, key);
  expect(proxy.requests).not.toEqual([]);
  expect(await program.stop()).toBe(0);
  await proxy.close();
});

it('The Node host ends after its work in flight, even if the sender would keep the connection', async () => {
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  proxy.add({ path: /./, fault: { freeze: true } });
  const program = startFunctions({ KUBECONFIG: proxy.kubeconfig });
  const url = String((await program.line('Listening'))['url']);
  const answer = send(url, { namespace: 'a', name: 'b' });
  await eventually(() => expect(proxy.requests).not.toEqual([]));
  program.process.kill('SIGTERM');
  await program.line('Stopping');
  proxy.heal();
  expect([(await answer).status, (await answer).headers.get('connection')]).toEqual([503, 'close']);
  // At the end of its grace period, it would exit with 1.
  expect(await program.exit).toBe(0);
  await proxy.close();
});

it('The Node host refuses more than 16 KiB of headers or 256 KiB of body', async () => {
  const program = startFunctions({ KUBECONFIG: inject('functionsKubeconfig') });
  const url = String((await program.line('Listening'))['url']);
  const key = { namespace: 'default', name: 'missing' };
  expect((await send(url, key, { 'x-much': 'x'.repeat(12 * 1024) })).status).toBe(204);
  expect((await send(url, key, { 'x-much': 'x'.repeat(17 * 1024) })).status).toBe(431);
  // A body without an end is refused as soon as it is too large, although it states no length.
  const endless = connect(Number(new URL(url).port), '127.0.0.1');
  endless.write(
    'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
  );
  const chunk = Buffer.alloc(64 * 1024, 'x');
  for (let count = 0; count < 5; count++) endless.write(`10000\r\n${chunk.toString()}\r\n`);
  const [answer] = (await once(endless, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
  endless.destroy();
  expect(await program.stop()).toBe(0);
});

it('The Node host gives up an incomplete request, which does not count for MAX_CONCURRENT', async () => {
  const program = startFunctions({
    KUBECONFIG: inject('functionsKubeconfig'),
    MAX_CONCURRENT: '1',
  });
  const url = String((await program.line('Listening'))['url']);
  const slow = connect(Number(new URL(url).port), '127.0.0.1');
  slow.write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{');
  const key = { namespace: 'default', name: 'missing' };
  expect((await send(url, key)).status).toBe(204);
  const [answer] = (await once(slow, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 408 /);
  expect((await send(url, key)).status).toBe(204);
  expect(await program.line('Connection closed before the request was complete')).toMatchObject({ level: 30 });
  expect(await program.stop()).toBe(0);
});

it('The Node host logs nothing from bodies, headers and tokens, even in errors', async () => {
  const SECRET = 'hush-0123456789';
  const proxy = await faultProxy(inject('functionsKubeconfig'));
  const admin = await connectTo({ kubeconfig: inject('kubeconfig') });
  const key = { namespace: await createNamespace(admin, 'secrets'), name: 'shop' };
  await createWebsite(admin, key, { image: 'nginx:1', replicas: 0, env: [{ name: 'PASSWORD', value: SECRET }] });
  const program = startFunctions({
    KUBECONFIG: proxy.kubeconfig,
    LOG_LEVEL: 'trace',
  });
  const url = String((await program.line('Listening'))['url']);
  const headers = { authorization: `Bearer ${SECRET}`, 'x-functions-key': SECRET };
  const post = async (body: string) =>
    (await fetch(`${url}?code=${SECRET}`, { method: 'POST', headers: { ...headers, ...STRUCTURED }, body })).status;
  expect(await post(`{"data":"${SECRET}`)).toBe(400);
  expect(await post(JSON.stringify({ id: SECRET, specversion: '9', source: SECRET, type: SECRET }))).toBe(400);
  expect(await post(`"${SECRET.repeat(20_000)}"`)).toBe(413);
  for (const fault of [
    { answer: 500 },
    { truncateAfter: 900 },
    { drop: 'before' },
    { line: `{"a": ${SECRET}}` },
  ] as const) {
    proxy.add({ path: /./, fault });
    expect((await send(url, key, headers)).status).toBe(503);
    expect((await fetch(new URL('resync', url), { method: 'POST', headers })).status).toBe(503);
    proxy.heal();
  }
  expect((await send(url, key, headers)).status).toBe(204);
  expect(await program.stop()).toBe(0);
  const said = JSON.stringify(program.lines) + program.stderr.join('');
  expect(said).toContain('Reconciled Website');
  // Node's parser quotes some letters of invalid JSON.
  expect(said).not.toContain(SECRET.slice(0, 4));
  // The token in the proxy's kubeconfig.
  expect(said).not.toContain('the-proxy-has-its-own');
  await Promise.all([proxy.close(), removeWebsitesIn(admin, key.namespace).then(() => admin.close())]);
});
