// Several forwarders at once: replicas with a Lease, and shards.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { isIn } from '../../infra/forwarder/watch/shard.ts';
import { eventually } from '../eventually.ts';
import { startSink, type Sink } from '../faults/sink.ts';
import { suspend } from '../local/alive.ts';
import { pidOf, startForwarder, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsite } from '../real-cluster.ts';

const spec = { image: 'nginx:1', replicas: 0 };

let admin: Transport;
let namespace: string;
let sink: Sink;
let programs: Program[];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  namespace = await createNamespace(admin, 'replicas');
  sink = await startSink(namespace);
  programs = [];
});
afterEach(async () => {
  for (const { process } of programs) process.kill('SIGCONT');
  await Promise.all(programs.map((program) => program.stop()));
  await sink.close();
});

async function start(...flags: string[]) {
  const program = startForwarder(['--sink', sink.url, '--host', '127.0.0.1', '--port', '0', ...flags], {
    KUBECONFIG: inject('forwarderKubeconfig'),
  });
  programs.push(program);
  const health = String((await program.line('Listening'))['url']);
  const get = async (page: string) => (await fetch(new URL(page, health))).text();
  return { program, ready: () => get('readyz'), metrics: () => get('metrics') };
}
const delivered = () => new Set(sink.accepted.filter(({ type }) => type === 'changed').map(({ name }) => name));
const create = (name: string) => createWebsite(admin, { namespace, name }, spec);

/** The value of a series in a text of metrics. */
const valueIn = (metrics: string, series: string) =>
  metrics
    .split('\n')
    .find((line) => line.startsWith(`${series} `))
    ?.split(' ')
    .at(-1);

describe('Two replicas', () => {
  let lease: string;

  async function two() {
    lease = `test-${randomUUID()}`;
    const leader = await start('--lease', lease);
    await leader.program.line('Leading');
    const standby = await start('--lease', lease);
    await eventually(async () => expect(await standby.ready()).toMatch(/^standing by: .+ is leading\n$/));
    return { leader, standby };
  }

  it('deliver each event once', async () => {
    const { leader } = await two();
    await eventually(async () => expect(await leader.ready()).toBe('ok\n'));
    await create('a');
    await eventually(() => expect([...delivered()]).toEqual(['a']));
    expect(sink.attempts).toHaveLength(1);
  });

  it('lose no change when the leader is killed', async () => {
    const { leader, standby } = await two();
    leader.program.process.kill('SIGKILL');
    await create('a');
    await standby.program.line('Leading');
    await create('b');
    await eventually(() => expect([...delivered()].toSorted()).toEqual(['a', 'b']));
  });

  it('hand over when the leader stops: it releases the Lease', async () => {
    const { leader, standby } = await two();
    await suspend(pidOf(standby.program));
    expect(await leader.program.stop()).toBe(0);
    const path = `/apis/coordination.k8s.io/v1/namespaces/website-reconciler/leases/${lease}`;
    expect(await admin.json({ method: 'GET', path, what: 'get' })).toMatchObject({ spec: { holderIdentity: '' } });
    standby.program.process.kill('SIGCONT');
    await create('a');
    await eventually(() => expect([...delivered()]).toEqual(['a']));
  });

  it('never both report that they lead, even while the old leader finishes a delivery', async () => {
    const { leader, standby } = await two();
    sink.answer = () => ({ after: new Promise(() => {}) });
    await create('a');
    await eventually(() => expect(sink.attempts).toHaveLength(1));
    await suspend(pidOf(leader.program));
    await standby.program.line('Leading');
    leader.program.process.kill('SIGCONT');
    await eventually(async () => {
      const text = await leader.metrics();
      expect(valueIn(text, 'website_forwarder_leader')).toBe('0');
      // The delivery lasts until the sink answers or the deadline passes.
      expect(valueIn(text, 'website_forwarder_pending_keys{state="at_work"}')).toBe('1');
    });
    expect(valueIn(await standby.metrics(), 'website_forwarder_leader')).toBe('1');
  });

  it('deliver each event once after a suspended leader resumes', async () => {
    const { leader, standby } = await two();
    await suspend(pidOf(leader.program));
    await create('a');
    await standby.program.line('Leading');
    await removeWebsite(admin, { namespace, name: 'a' });
    leader.program.process.kill('SIGCONT');
    await eventually(async () => expect(await leader.ready()).toMatch(/^standing by: .+ is leading\n$/));
    await create('b');
    await eventually(() => expect(delivered()).toContain('b'));
    expect(sink.attempts.filter(({ name }) => name === 'b')).toHaveLength(1);
  });
});

it('Shards divide the namespaces, and exactly one of them delivers each event', async () => {
  const shards = await Promise.all(['0/2', '1/2'].map((shard) => start('--shard', shard)));
  await eventually(async () => expect(await Promise.all(shards.map(({ ready }) => ready()))).toEqual(['ok\n', 'ok\n']));
  await create('a');
  await eventually(() => expect([...delivered()]).toEqual(['a']));
  const index = [0, 1].find((each) => isIn({ index: each, count: 2 }, namespace)) ?? -1;
  await shards[index]?.program.line('Delivered event', { name: 'a' });
  expect(sink.attempts).toHaveLength(1);
});

it('With --namespaces, the forwarder ignores the other namespaces', async () => {
  const other = await createNamespace(admin, 'replicas');
  const { program, ready } = await start('--namespaces', namespace);
  await eventually(async () => expect(await ready()).toBe('ok\n'));
  await createWebsite(admin, { namespace: other, name: 'elsewhere' }, spec);
  await create('here');
  await eventually(() => expect([...delivered()]).toEqual(['here']));
  expect(program.lines.filter((line) => line['namespace'] === other)).toEqual([]);
});
