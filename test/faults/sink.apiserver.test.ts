// Faults between the forwarder and the sink.
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { APART, freePort } from '../free-port.ts';
import type { Program } from '../program.ts';
import { createWebsite, patchWebsite, removeWebsite } from '../real-cluster.ts';
import type { Fault } from './fault.ts';
import { startSink, type Received, type Sink } from './sink.ts';
import { EVENT, isReady, openStage, type Stage } from './stage.ts';

const spec = { image: 'nginx:1', replicas: 0 };

let stage: Stage;

beforeEach(async () => {
  const access = { kubeconfig: inject('kubeconfig'), forwarderKubeconfig: inject('forwarderKubeconfig') };
  stage = await openStage(access, 'sink-faults');
});
afterEach(() => stage.close());

const create = (name: string) => createWebsite(stage.admin, stage.key(name), spec);
const scale = async (name: string, replicas: number) => {
  await patchWebsite(stage.admin, stage.key(name), { spec: { replicas } });
};
const ofName = (events: readonly Received[], name: string) => events.filter((event) => event.name === name);
/** A delivery without its time, so that two deliveries of one event are equal. */
const untimed = (event: Received) => ({ ...event, at: 0 });
const names = (events: readonly Received[]) => events.map(({ name }) => name);
/** The forwarder's log lines about one Website of this test. It also logs the Websites of other tests. */
const told = ({ lines }: Program, message: string, name: string) =>
  lines.filter((line) => line['msg'] === message && line['namespace'] === stage.namespace && line['name'] === name);
const failures = (program: Program, name: string) => told(program, 'Could not deliver event', name);
const delivered = (program: Program, name: string) =>
  eventually(() => {
    const [line] = told(program, 'Delivered event', name);
    if (line === undefined) throw new Error(`The forwarder has not delivered ${name}`);
    return line;
  });
const isAlive = async (program: Program) =>
  (await fetch(new URL('livez', String((await program.line('Listening'))['url'])))).status;

it('While the sink is down, the forwarder keeps one pending event per Website, and delivers the last state afterwards', async () => {
  const sites = ['a', 'b', 'c', 'd'];
  let giveUp = () => {};
  const program = await stage.start();
  await isReady(program);
  const after = new Promise<void>((resolve) => (giveUp = resolve));
  stage.sink.answer = () => ({ status: 503, after });
  for (const name of sites) await create(name);
  for (let replicas = 1; replicas <= 10; replicas++) for (const name of sites) await scale(name, replicas);
  await removeWebsite(stage.admin, stage.key('d'));
  await eventually(() => expect(names(stage.sink.attempts).toSorted()).toEqual(sites));
  // Its delivery shows that the watch has read all changes.
  stage.sink.answer = () => ({});
  await create('end');
  await eventually(() => expect(names(stage.sink.accepted)).toEqual(['end']));
  expect(names(stage.sink.attempts).toSorted()).toEqual([...sites, 'end']);
  stage.sink.answer = () => ({ status: 503 });
  giveUp();
  await eventually(() => expect(sites.map((name) => failures(program, name).length >= 2)).not.toContain(false));
  stage.sink.answer = () => ({});
  await eventually(() => expect(names(stage.sink.accepted).toSorted()).toEqual([...sites, 'end']));
  const websites = await stage.websites();
  for (const { metadata } of websites)
    expect(ofName(stage.sink.accepted, metadata.name)).toMatchObject([{ resourceVersion: metadata.resourceVersion }]);
  expect(ofName(stage.sink.accepted, 'd')).toMatchObject([{ type: 'deleted' }]);
});

it('A forwarder that stops reports each line that it left out of the log', async () => {
  const program = await stage.start('--log-level', 'debug');
  await isReady(program);
  stage.sink.answer = () => ({ status: 503 });
  for (let each = 0; each < 25; each++) await create(`site-${each}`);
  const leftOut = () => program.lines.filter(({ level, msg }) => level === 20 && msg === 'Could not deliver event');
  await eventually(() => expect(leftOut()).not.toEqual([]));
  await program.stop();
  const reported = program.lines.map((line) => Number(line['leftOut'] ?? 0));
  expect(reported.reduce((sum, each) => sum + each)).toBe(leftOut().length);
});

it('An event whose answer is lost is sent again with the same content', async () => {
  await isReady(await stage.start());
  stage.wire.add({ path: EVENT, fault: { drop: 'answer' } });
  await create('again');
  await eventually(() => expect(ofName(stage.sink.accepted, 'again').length).toBeGreaterThanOrEqual(3));
  stage.wire.heal();
  const count = stage.sink.accepted.length;
  await eventually(() => expect(stage.sink.accepted.length).toBeGreaterThan(count));
  await create('next');
  await eventually(() => expect(names(stage.sink.accepted)).toContain('next'));
  const [first, ...others] = ofName(stage.sink.accepted, 'again').map(untimed);
  for (const other of others) expect(other).toEqual(first);
});

describe('An event that the sink answers with', () => {
  it.each<[string, Fault]>([
    ['404', { answer: 404 }],
    ['408', { answer: 408 }],
    ['409', { answer: 409 }],
    ['429 with Retry-After', { answer: 429, retryAfter: 1 }],
    ['500', { answer: 500 }],
    ['502', { answer: 502 }],
    ['503 with Retry-After', { answer: 503, retryAfter: 1 }],
    ['504', { answer: 504 }],
    ['a closed connection', { drop: 'before' }],
  ])('%s is sent again with the same id until the sink accepts it', async (_, fault) => {
    const program = await stage.start();
    await isReady(program);
    // Events of other tests pass this proxy as well.
    stage.wire.add({ path: EVENT, fault });
    await create('retried');
    await eventually(() => expect(failures(program, 'retried').length).toBeGreaterThanOrEqual(2));
    stage.wire.heal();
    await eventually(() => expect(names(stage.sink.accepted)).toEqual(['retried']));
    const ids = new Set([...failures(program, 'retried').map((line) => line['eventId']), stage.sink.accepted[0]?.id]);
    expect(ids.size).toBe(1);
  });

  it.each([301, 302, 303, 307, 308])(
    "redirect %d is sent again to the sink, and never to the redirect's target",
    async (code) => {
      const elsewhere = await startSink(stage.namespace);
      const program = await stage.start();
      await isReady(program);
      stage.wire.add({ path: EVENT, fault: { answer: code, location: elsewhere.url } });
      await create('kept');
      await eventually(() => expect(failures(program, 'kept').length).toBeGreaterThanOrEqual(2));
      stage.wire.heal();
      await eventually(() => expect(names(stage.sink.accepted)).toEqual(['kept']));
      await elsewhere.close();
      expect(elsewhere.attempts).toEqual([]);
    },
  );

  it('an endless 200 body is not sent again', async () => {
    const program = await stage.start();
    await isReady(program);
    stage.sink.answer = ({ name }) => (name === 'endless' ? { status: 200, body: 'endless' } : {});
    await create('endless');
    expect(await delivered(program, 'endless')).toMatchObject({ status: 200 });
    await create('next');
    await delivered(program, 'next');
    expect(names(stage.sink.attempts)).toEqual(['endless', 'next']);
  });

  it('an endless 503 body is sent again with the same id', async () => {
    await isReady(await stage.start());
    stage.sink.answer = () => ({ status: 503, body: 'endless' });
    await create('retried');
    await eventually(() => expect(stage.sink.attempts.length).toBeGreaterThanOrEqual(2));
    stage.sink.answer = () => ({});
    await eventually(() => expect(names(stage.sink.accepted)).toEqual(['retried']));
    expect(new Set(stage.sink.attempts.map(({ id }) => id)).size).toBe(1);
  });

  it.each([400, 413, 415])('%d is not sent again', async (status) => {
    const program = await stage.start();
    await isReady(program);
    stage.sink.answer = ({ name }) => ({ status: name === 'refused' ? status : 204 });
    await create('refused');
    expect(await program.line('Sink rejected event')).toMatchObject({ name: 'refused', status });
    for (const name of ['one', 'two', 'three']) {
      await create(name);
      await eventually(() => expect(names(stage.sink.accepted)).toContain(name));
    }
    expect(ofName(stage.sink.attempts, 'refused')).toHaveLength(1);
    // The rejection was of that event, not of the Website.
    await scale('refused', 1);
    await eventually(() => expect(ofName(stage.sink.attempts, 'refused')).toHaveLength(2));
  });
});

describe('The forwarder keeps sending the same event to a sink', () => {
  let back: Sink | undefined;
  afterEach(() => back?.close());

  it.each<[string, () => string]>([
    // A label of 64 characters is too long for DNS, so the name fails without a query.
    ['whose name cannot be resolved', () => `http://${'a'.repeat(64)}.svc/`],
    ['that does not speak TLS', () => `https://127.0.0.1:${new URL(stage.sink.url).port}/`],
  ])('%s', async (_, url) => {
    const program = await stage.start('--insecure-sink', '--sink', url());
    await isReady(program);
    await create('kept');
    await eventually(() => expect(failures(program, 'kept').length).toBeGreaterThanOrEqual(3));
    expect(new Set(failures(program, 'kept').map((line) => line['eventId'])).size).toBe(1);
    expect(await isAlive(program)).toBe(200);
  });

  it('that refuses connections, which gets every event once it listens again', async () => {
    const port = await freePort();
    const program = await stage.start('--sink', `http://${APART}:${port}/`);
    await isReady(program);
    for (const name of ['a', 'b', 'c']) await create(name);
    await eventually(() => expect(failures(program, 'c').length).toBeGreaterThanOrEqual(2));
    back = await startSink(stage.namespace, { host: APART, port });
    await eventually(() => expect(names(back?.accepted ?? []).toSorted()).toEqual(['a', 'b', 'c']));
  });
});

it('A sink slower than the deadline gets the next event of a Website only after the deadline, in order, and a resend keeps its id', async () => {
  const timeoutMs = 1_000;
  const open: (() => void)[] = [];
  stage.sink.answer = () => ({ after: new Promise((resolve) => open.push(resolve)) });
  const program = await stage.start('--timeout', String(timeoutMs / 1000));
  await isReady(program);
  await create('slow');
  await eventually(() => expect(stage.sink.attempts).toHaveLength(1));
  await eventually(() => expect(stage.sink.attempts).toHaveLength(2));
  const ids = new Set(stage.sink.attempts.map(({ id }) => id));
  expect(ids.size).toBe(1);
  // Changes in the meantime wait for their turn.
  for (const replicas of [1, 2, 3]) await scale('slow', replicas);
  await eventually(() => expect(stage.sink.attempts.length).toBeGreaterThanOrEqual(4));
  stage.sink.answer = () => ({});
  for (const each of open) each();
  const [website] = await stage.websites();
  await eventually(() => expect(stage.sink.attempts.at(-1)?.resourceVersion).toBe(website?.metadata.resourceVersion));
  const { attempts } = stage.sink;
  const pairs = attempts.slice(1).map((attempt, index) => ({ attempt, before: attempts[index] }));
  for (const { attempt, before } of pairs) {
    // The deadline began before the event came, on a busy machine long before. Without it, the second would come at once.
    expect(attempt.at - (before?.at ?? 0)).toBeGreaterThan(timeoutMs / 5);
    expect(Number(attempt.resourceVersion)).toBeGreaterThanOrEqual(Number(before?.resourceVersion));
  }
  for (const { ms } of failures(program, 'slow')) expect(Number(ms)).toBeGreaterThanOrEqual(timeoutMs - 10);
});

it('Two forwarders at once send the same events, once each', async () => {
  const other = await startSink(stage.namespace);
  const both = await Promise.all([stage.start(), stage.start('--sink', other.url)]);
  await Promise.all(both.map(isReady));
  const bothGot = (count: number) =>
    eventually(() => expect([stage.sink, other].map(({ accepted }) => accepted.length)).toEqual([count, count]));
  await create('twice');
  await bothGot(1);
  await scale('twice', 1);
  await bothGot(2);
  await patchWebsite(stage.admin, stage.key('twice'), { metadata: { labels: { team: 'a' } } });
  await bothGot(3);
  await removeWebsite(stage.admin, stage.key('twice'));
  await bothGot(4);
  await other.close();
  expect(other.accepted.map(untimed)).toEqual(stage.sink.accepted.map(untimed));
});
