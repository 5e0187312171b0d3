// The order of the events that a forwarder sends after its start.
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { REQUESTED_AT, type Website } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { startSink, type Sink } from '../faults/sink.ts';
import { startForwarder, type Program } from '../program.ts';
import { createNamespace, createWebsite, patchWebsite, removeWebsite, removeWebsitesIn } from '../real-cluster.ts';

const spec = { image: 'nginx:1', replicas: 0 };
const STALLED = 230;

let admin: Transport;
let namespace: string;
let sink: Sink;
let program: Program | undefined;
/** Websites with a finalizer. */
const held: string[] = [];

beforeEach(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'order');
  sink = await startSink(namespace);
});
afterEach(async () => {
  await program?.stop();
  for (const name of held.splice(0)) await patchWebsite(admin, { namespace, name }, { metadata: { finalizers: null } });
  await removeWebsitesIn(admin, namespace);
  await sink.close();
  await admin.close();
});

const create = (name: string, metadata = {}) => createWebsite(admin, { namespace, name }, spec, metadata);
const stall = async (website: Website) => {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const condition = {
    type: 'Ready',
    status: 'False',
    reason: 'NameConflict',
    message: 'x',
    lastTransitionTime,
  } as const;
  await kubernetes(admin).updateStatus({ ...website, status: { observedGeneration: 1, conditions: [condition] } });
};

it('After its start, the forwarder sends changed Websites before those that have been stalled for long', async () => {
  const old = Array.from({ length: STALLED }, (_, index) => `a-${index}`);
  const changed = ['z-changed', 'z-deleting', 'z-requested', 'z-unseen', 'z-changed-too'];
  await Promise.all(old.map(async (name) => stall(await create(name))));
  for (const name of changed) {
    const website = await create(name, name === 'z-deleting' ? { finalizers: ['example.com/wait'] } : {});
    if (name === 'z-deleting') held.push(name);
    if (name !== 'z-unseen') await stall(website);
  }
  for (const name of ['z-changed', 'z-changed-too'])
    await patchWebsite(admin, { namespace, name }, { spec: { replicas: 1 } });
  await patchWebsite(admin, { namespace, name: 'z-requested' }, { metadata: { annotations: { [REQUESTED_AT]: '1' } } });
  await removeWebsite(admin, { namespace, name: 'z-deleting' });

  // Events that are sent at the same time may arrive in any order.
  program = startForwarder(
    ['--sink', sink.url, '--host', '127.0.0.1', '--port', '0', '--namespaces', namespace, '--parallel', '5'],
    {
      KUBECONFIG: inject('forwarderKubeconfig'),
    },
  );
  await eventually(() => expect(sink.accepted).toHaveLength(STALLED + changed.length));
  expect(
    sink.attempts
      .slice(0, changed.length)
      .map(({ name, reason }) => `${name} ${reason}`)
      .toSorted(),
  ).toEqual([
    'z-changed spec-changed',
    'z-changed-too spec-changed',
    'z-deleting spec-changed',
    'z-requested requested',
    'z-unseen first-seen',
  ]);
});

it('After its start, Websites that have been stalled for long wait for looks, and are no undelivered changes', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await stall(await create(name));
  let open = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  sink.answer = () => ({ after: gate });
  program = startForwarder(
    ['--sink', sink.url, '--host', '127.0.0.1', '--port', '0', '--namespaces', namespace, '--parallel', '1'],
    { KUBECONFIG: inject('forwarderKubeconfig') },
  );
  const url = new URL('metrics', String((await program.line('Listening'))['url']));
  await eventually(async () => {
    expect(sink.attempts).toHaveLength(1);
    const metrics = await (await fetch(url)).text();
    expect(metrics.match(/(?<=pending_keys\{state=)"(queued|looks)"\} \d+/g)).toEqual(['"queued"} 0', '"looks"} 3']);
  });
  expect(sink.resyncs).toHaveLength(1);
  open();
  await eventually(() => expect(sink.accepted).toHaveLength(4));
});
