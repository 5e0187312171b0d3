// P2 for the whole system: while everything is as declared, it sends no event and makes no request to the API server.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { Website } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { startFunctions, startForwarder, type Program } from '../program.ts';
import { createNamespace, createWebsite, patchWebsite } from '../real-cluster.ts';

/** Longer than each of our timers that could lead to a request: bookmarks come more often, and backoffs are shorter. */
const WINDOW_MS = 60_000;
const names = ['a', 'b', 'c'];

let admin: Transport;
let namespace: string;
const programs: Program[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'quiet');
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await admin.close();
});

interface AuditEvent {
  readonly requestURI: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestReceivedTimestamp: string;
}

/** The requests that the API server has received since this time, in milliseconds. The last line of the log may be incomplete. */
function answeredSince(time: number): AuditEvent[] {
  const lines = readFileSync(inject('auditLog'), 'utf8').split('\n').slice(0, -1);
  const events = lines.map((line) => JSON.parse(line) as AuditEvent);
  return events.filter(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp) >= time);
}

async function ready(): Promise<void> {
  const path = `/apis/stable.example.com/v1/namespaces/${namespace}/websites`;
  const { items } = (await admin.json({ method: 'GET', path, what: 'list' })) as { items: Website[] };
  for (const { metadata, status } of items) {
    expect(status?.observedGeneration).toBe(metadata.generation);
    expect(status?.conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
  }
}

it(
  'P2: in the minute after the last change, the forwarder sends no event and the programs make no request',
  { timeout: 180_000 },
  async () => {
    const functions = startFunctions({
      KUBECONFIG: inject('functionsKubeconfig'),
      RESYNC_INTERVAL_SECONDS: '0',
    });
    programs.push(functions);
    const sink = String((await functions.line('Listening'))['url']);
    // Its requests name the namespace, which tells them from those of other tests.
    const flags = ['--sink', sink, '--host', '127.0.0.1', '--port', '0', '--namespaces', namespace];
    const forwarder = startForwarder(flags, { KUBECONFIG: inject('forwarderKubeconfig') });
    programs.push(forwarder);
    const health = String((await forwarder.line('Listening'))['url']);
    await eventually(async () => expect((await fetch(new URL('readyz', health))).status).toBe(200));

    for (const name of names)
      await createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 2, host: `${name}.example.com` });
    await eventually(ready);
    await patchWebsite(admin, { namespace, name: 'a' }, { spec: { replicas: 3 } });
    await eventually(ready);
    const deliveries = () => forwarder.lines.filter(({ msg }) => msg === 'Delivered event').length;
    // The work of the last change is done once the queue is empty.
    const metrics = async () => (await fetch(new URL('metrics', health))).text();
    await eventually(async () => expect(await metrics()).toMatch(/pending_keys\{state="(queued|at_work)"\} 0\n.*\n/));

    const ours = (event: AuditEvent) =>
      /website-(functions|forwarder)$/.test(event.user.username) &&
      event.requestURI.includes(`/namespaces/${namespace}/`);
    // The control plane may still be working: begin after two seconds without a request.
    const start = await eventually(() => {
      const now = Date.now();
      expect(answeredSince(now - 2_000).filter(ours)).toEqual([]);
      return now;
    });
    expect(answeredSince(0).filter(ours).length, 'requests that the filter knows').toBeGreaterThan(names.length * 3);
    const before = deliveries();
    await eventually(() => expect(answeredSince(start + WINDOW_MS)).not.toEqual([]), {
      deadlineMs: 120_000,
      everyMs: 1_000,
    });
    expect(
      answeredSince(start)
        .filter(ours)
        .map(({ verb, requestURI }) => `${verb} ${requestURI}`),
    ).toEqual([]);
    expect(deliveries()).toBe(before);
  },
);
